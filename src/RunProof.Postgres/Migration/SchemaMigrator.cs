using System.Data;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;
using RunProof.Format;

namespace RunProof.Postgres;

/// <summary>What a migration did.</summary>
/// <param name="From">The schema's version before; 0 for a new database.</param>
/// <param name="To">The schema's version now.</param>
/// <param name="Applied">The files that were applied, in order.</param>
public sealed record MigrationResult(int From, int To, IReadOnlyList<string> Applied);

/// <summary>
/// Brings a database to this program's schema: makes the roles, then applies what is missing of the numbered files, each in a transaction of its own
/// under a transaction-level advisory lock. Idempotent; any number may run at once; one that is stopped half-way is continued by the next.
/// </summary>
public static partial class SchemaMigrator
{
    /// <summary>The oldest major version of PostgreSQL that will do: views and unique constraints use what came with it.</summary>
    public const int OldestServer = 15;

    /// <summary>The version that this program's files lead to.</summary>
    public static int HeadVersion => SchemaFile.All[^1].Version;

    // "RunProof" in ASCII. Advisory locks are each database's own, so databases of one server do not wait for each other.
    private const long LockKey = 0x52756e50726f6f66;

    private const string LockSql = "SELECT pg_advisory_xact_lock($1)";

    private const string AppliedSql = "SELECT version, name, checksum FROM runproof.schema_migrations ORDER BY version";

    private const string RecordSql = "INSERT INTO runproof.schema_migrations (version, name, checksum) VALUES ($1, $2, $3)";

    /// <summary>Migrates.</summary>
    /// <param name="adminConnectionString">A superuser, or the database's owner with CREATEROLE. Its own pool settings are ignored.</param>
    /// <param name="passwords">Which login roles to make.</param>
    /// <param name="logger">Is told of every file that is applied.</param>
    /// <param name="cancellationToken">Stops between statements; what was committed stays.</param>
    /// <exception cref="SchemaException">The server is too old, the database newer than this program, or a file that was applied has changed since.</exception>
    /// <exception cref="NpgsqlException">The server cannot be reached or refuses; <see cref="NpgsqlException.IsTransient"/> says whether to retry.</exception>
    /// <exception cref="ArgumentException">A password holds other than printable ASCII characters.</exception>
    /// <returns>What was done.</returns>
    public static Task<MigrationResult> MigrateAsync(
        string adminConnectionString, RolePasswords passwords, ILogger logger, CancellationToken cancellationToken) =>
        MigrateCoreAsync(adminConnectionString, passwords, SchemaFile.All, logger, cancellationToken);

    internal static async Task<MigrationResult> MigrateCoreAsync(
        string adminConnectionString, RolePasswords passwords, IReadOnlyList<SchemaFile> files, ILogger logger, CancellationToken cancellationToken)
    {
        var settings = new NpgsqlConnectionStringBuilder(adminConnectionString) { Pooling = false, Multiplexing = false, MaxAutoPrepare = 0 };
        await using var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        RefuseOldServer(connection.PostgreSqlVersion);
        await SchemaRoles.EnsureAsync(connection, LockKey, passwords, cancellationToken);

        int? from = null;
        var applied = new List<string>();
        while (true)
        {
            await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
            await ExecuteAsync(connection, LockSql, [LockKey], cancellationToken);
            var done = await ReadAppliedAsync(connection, cancellationToken);
            Compare(done, files);
            from ??= done.Count == 0 ? 0 : done[^1].Version;
            if (done.Count == files.Count)
                return new MigrationResult(from.Value, files[^1].Version, applied);

            var next = files[done.Count];
            await ApplyAsync(connection, next, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            LogApplied(logger, next.Name);
            applied.Add(next.Name);
        }
    }

    /// <summary>The files that a database says were applied to it; empty where it was never migrated.</summary>
    internal static async Task<IReadOnlyList<AppliedFile>> ReadAppliedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var done = new List<AppliedFile>();
        await using var command = new NpgsqlCommand(AppliedSql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            done.Add(new AppliedFile(reader.GetInt32(0), reader.GetString(1), await reader.GetFieldValueAsync<byte[]>(2, cancellationToken)));
        return done;
    }

    /// <summary>Holds what was applied against the files: it must be their beginning.</summary>
    internal static void Compare(IReadOnlyList<AppliedFile> done, IReadOnlyList<SchemaFile> files)
    {
        if (done.Count > 0 && done[^1].Version > files[^1].Version)
            throw new SchemaException(string.Create(
                CultureInfo.InvariantCulture, $"the database is at schema version {done[^1].Version}, newer than this program's {files[^1].Version}: use a newer program"));
        for (var i = 0; i < done.Count; i++)
        {
            if (i >= files.Count || done[i].Version != files[i].Version)
                throw new SchemaException($"{done[i].Name} was applied to this database and is unknown to this program, or was applied out of order");
            if (!done[i].Checksum.AsSpan().SequenceEqual(files[i].Checksum.Span))
                throw new SchemaException($"{files[i].Name} has changed since it was applied to this database: files that were applied must never change");
        }
    }

    internal static void RefuseOldServer(Version server)
    {
        if (server.Major < OldestServer)
            throw new SchemaException(string.Create(CultureInfo.InvariantCulture, $"the server is PostgreSQL {server}; {OldestServer} or newer is needed"));
    }

    private static async Task ApplyAsync(NpgsqlConnection connection, SchemaFile file, CancellationToken cancellationToken)
    {
        try
        {
            await ExecuteAsync(connection, "SET LOCAL ROLE runproof_owner", [], cancellationToken);
            await ExecuteAsync(connection, file.Sql, [], cancellationToken);
            await ExecuteAsync(connection, RecordSql, [file.Version, file.Name, file.Checksum.ToArray()], cancellationToken);
        }
        catch (PostgresException e) when (!e.IsTransient)
        {
            throw new SchemaException($"{file.Name} failed: {e.SqlState} {e.MessageText}", e);
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, object[] values, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "applied {File}")]
    private static partial void LogApplied(ILogger logger, string file);
}

/// <summary>A file that was applied to a database.</summary>
/// <param name="Version">Its number.</param>
/// <param name="Name">Its name at that time.</param>
/// <param name="Checksum">SHA-256 of its text at that time.</param>
internal sealed record AppliedFile(int Version, string Name, byte[] Checksum);
