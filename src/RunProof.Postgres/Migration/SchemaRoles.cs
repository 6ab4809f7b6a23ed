using Npgsql;

namespace RunProof.Postgres;

/// <summary>
/// The roles, and the ground that the files stand on. Roles belong to the whole server: databases of one server share them, and migrators of two
/// databases may make them at the same moment, which no lock of either database prevents. So whatever is there already is left alone, and losing a
/// race is answered by looking again.
/// </summary>
internal static class SchemaRoles
{
    private const int Attempts = 20;

    private const string GroundSql =
        """
        DO $ground$
        DECLARE
          wanted text;
        BEGIN
          FOREACH wanted IN ARRAY ARRAY['runproof_owner', 'runproof_runner', 'runproof_verifier', 'runproof_auditor'] LOOP
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
              EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            END IF;
          END LOOP;
          -- An administrator who is no superuser must be a member to make things that the owner owns.
          IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AND NOT pg_has_role(current_user, 'runproof_owner', 'MEMBER') THEN
            EXECUTE format('GRANT runproof_owner TO %I', current_user);
          END IF;
          -- Databases that began before version 15 let everybody make things here.
          IF has_schema_privilege('public', 'public', 'CREATE') THEN
            REVOKE CREATE ON SCHEMA public FROM PUBLIC;
          END IF;
          IF NOT has_schema_privilege('runproof_owner', 'public', 'CREATE') THEN
            GRANT CREATE, USAGE ON SCHEMA public TO runproof_owner;
          END IF;
          IF NOT (has_schema_privilege('runproof_runner', 'public', 'USAGE') AND has_schema_privilege('runproof_verifier', 'public', 'USAGE')
              AND has_schema_privilege('runproof_auditor', 'public', 'USAGE')) THEN
            GRANT USAGE ON SCHEMA public TO runproof_runner, runproof_verifier, runproof_auditor;
          END IF;
          IF NOT (has_database_privilege('runproof_runner', current_database(), 'CONNECT') AND has_database_privilege('runproof_verifier', current_database(), 'CONNECT')
              AND has_database_privilege('runproof_auditor', current_database(), 'CONNECT')) THEN
            EXECUTE format('GRANT CONNECT ON DATABASE %I TO runproof_runner, runproof_verifier, runproof_auditor', current_database());
          END IF;
          IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'runproof') THEN
            CREATE SCHEMA runproof AUTHORIZATION runproof_owner;
          END IF;
          IF to_regclass('runproof.schema_migrations') IS NULL THEN
            SET LOCAL ROLE runproof_owner;
            CREATE TABLE runproof.schema_migrations (
              version    integer CONSTRAINT schema_migrations_pkey PRIMARY KEY,
              name       text NOT NULL,
              checksum   bytea NOT NULL,
              applied_at timestamptz NOT NULL DEFAULT now(),
              applied_by text NOT NULL DEFAULT session_user,
              CONSTRAINT schema_migrations_checksum_length CHECK (octet_length(checksum) = 32)
            );
            RESET ROLE;
          END IF;
        END $ground$
        """;

    /// <summary>Makes what is missing.</summary>
    internal static async Task EnsureAsync(NpgsqlConnection connection, long lockKey, RolePasswords passwords, CancellationToken cancellationToken)
    {
        var statements = new List<string> { GroundSql };
        AddLogin(statements, "runproof_runner", passwords.Runner);
        AddLogin(statements, "runproof_verifier", passwords.Verifier);
        AddLogin(statements, "runproof_auditor", passwords.Auditor);

        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await ExecuteAsync(connection, lockKey, statements, cancellationToken);
                return;
            }
            catch (PostgresException e) when (LostRace(e) && attempt < Attempts)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10 * attempt), cancellationToken);
                // The driver takes the last of these errors for the server's ruin and gives the connection up.
                await connection.CloseAsync();
                await connection.OpenAsync(cancellationToken);
            }
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, long lockKey, List<string> statements, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection, transaction);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT pg_advisory_xact_lock($1)") { Parameters = { new() { Value = lockKey } } });
        foreach (var statement in statements)
            batch.BatchCommands.Add(new NpgsqlBatchCommand(statement));
        await batch.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    // A password travels as its SCRAM verifier, so that it appears in no statement log. Role names are ours and the verifier is base64: nothing to escape.
    private static void AddLogin(List<string> statements, string group, string? password)
    {
        if (password is null)
            return;
        var verifier = ScramVerifier.Of(password);
        statements.Add(
            $"""
            DO $login$
            BEGIN
              IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{group}_login') THEN
                ALTER ROLE {group}_login LOGIN PASSWORD '{verifier}';
              ELSE
                CREATE ROLE {group}_login LOGIN PASSWORD '{verifier}';
              END IF;
              IF NOT EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = '{group}'::regrole AND m.member = '{group}_login'::regrole) THEN
                GRANT {group} TO {group}_login;
              END IF;
            END $login$
            """);
    }

    // Two migrators made or changed the same role at once: "already exists", its index's own word for that, or "tuple concurrently updated".
    private static bool LostRace(PostgresException e) =>
        e.SqlState is PostgresErrorCodes.DuplicateObject or PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DuplicateSchema or PostgresErrorCodes.DuplicateTable
        || (e.SqlState == PostgresErrorCodes.InternalError && e.MessageText.Contains("concurrently", StringComparison.Ordinal));
}
