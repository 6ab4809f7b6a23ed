namespace RunProof.Postgres.Tests;

/// <summary>Rules that hold for tables that do not exist yet.</summary>
public sealed class SchemaShape(SeededDatabase database) : IClassFixture<SeededDatabase>
{
    [Fact]
    public async Task Every_key_holds_the_tenant_except_those_that_are_asked_before_the_tenant_is_known()
    {
        var without = await database.ReadAsync<string>("superuser", null,
            """
            SELECT string_agg(i.indexrelid::regclass::text, ' ' ORDER BY i.indexrelid::regclass::text)
              FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
              WHERE i.indisunique AND c.relnamespace IN ('public'::regnamespace, 'runproof'::regnamespace)
                AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) AND a.attname = 'tenant_id')
            """);
        Assert.Equal("runproof.api_keys_pkey runproof.api_keys_secret_hash_key runproof.retired_keys_pkey runproof.schema_migrations_pkey", without);
    }

    /// <summary>Columns of the older system that no code ever filled, or that were filled with a word in place of a value. (Side records have some of them, filled.)</summary>
    [Fact]
    public async Task No_column_is_there_that_no_one_fills()
    {
        var found = await database.ReadAsync<string>("superuser", null,
            """
            SELECT string_agg(table_name || '.' || column_name, ' ') FROM information_schema.columns
              WHERE table_schema = 'public' AND table_name NOT IN ('governance_records', 'integrity_evidence') AND column_name = ANY (string_to_array(
                'checksum stored_by trace incident_id integrity_status evidence_health observability_status state last_seen_at policy_snapshot_id '
                'termination_reason stopped_at_step next_attempt_at latency_bucket risk_level', ' '))
            """);
        Assert.Null(found);
    }

    [Fact]
    public async Task Every_foreign_key_holds_the_tenant()
    {
        var without = await database.ReadAsync<long>("superuser", null,
            """
            SELECT count(*) FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace IN ('public'::regnamespace, 'runproof'::regnamespace)
              AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND a.attname = 'tenant_id')
            """);
        Assert.Equal(0L, without);
    }

    [Fact]
    public async Task Every_table_with_a_tenant_is_under_row_level_security()
    {
        var without = await database.ReadAsync<string>("superuser", null,
            """
            SELECT string_agg(c.oid::regclass::text, ' ') FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
              WHERE c.relkind IN ('r', 'p') AND c.relnamespace IN ('public'::regnamespace, 'runproof'::regnamespace)
                AND NOT (c.relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))
            """);
        Assert.Null(without);
    }

    [Fact]
    public async Task Every_trigger_of_ours_fires_in_replica_mode_too()
    {
        var without = await database.ReadAsync<string>("superuser", null,
            """
            SELECT string_agg(t.tgrelid::regclass::text || '.' || t.tgname, ' ') FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
              WHERE NOT t.tgisinternal AND c.relnamespace IN ('public'::regnamespace, 'runproof'::regnamespace) AND t.tgenabled <> 'A'
            """);
        Assert.Null(without);
    }

    [Fact]
    public async Task Every_function_that_runs_as_the_owner_has_its_search_path_fixed_and_is_not_everybody_s()
    {
        var loose = await database.ReadAsync<string>("superuser", null,
            """
            SELECT string_agg(p.oid::regprocedure::text, ' ') FROM pg_proc p
              WHERE p.pronamespace IN ('public'::regnamespace, 'runproof'::regnamespace) AND (
                p.prosecdef AND NOT EXISTS (SELECT FROM unnest(p.proconfig) s WHERE s LIKE 'search\_path=%pg\_temp')
                OR has_function_privilege('public', p.oid, 'EXECUTE'))
            """);
        Assert.Null(loose);
    }

    [Theory]
    [InlineData("aos_traces")]
    [InlineData("aos_trace_steps")]
    public async Task An_archive_twin_has_the_columns_checks_and_keys_of_its_table(string table)
    {
        Assert.Equal(await ShapeAsync(table), await ShapeAsync(table + "_archive"));
    }

    [Fact]
    public async Task Everything_belongs_to_the_owner()
    {
        var others = await database.ReadAsync<string>("superuser", null,
            """
            SELECT string_agg(c.oid::regclass::text, ' ') FROM pg_class c
              WHERE c.relnamespace IN ('public'::regnamespace, 'runproof'::regnamespace) AND c.relowner <> 'runproof_owner'::regrole
            """);
        Assert.Null(others);
    }

    [Fact]
    public async Task The_widths_are_those_that_writers_are_told()
    {
        foreach (var (column, limit) in new[]
        {
            ("origin_system_id", Ledger.FieldLimits.Origin), ("planner", Ledger.FieldLimits.Planner), ("skill_id", Ledger.FieldLimits.Skill),
            ("skill_name", Ledger.FieldLimits.Skill), ("skill_version", Ledger.FieldLimits.SkillVersion), ("outcome_category", Ledger.FieldLimits.Outcome),
            ("outcome_code", Ledger.FieldLimits.Outcome), ("idempotency_key", Ledger.FieldLimits.IdempotencyKey), ("rng_state_before", Ledger.FieldLimits.RngState),
            ("synthetic_scenario_id", Ledger.FieldLimits.Origin),
        })
        {
            var table = column is "origin_system_id" or "planner" or "synthetic_scenario_id" ? "aos_traces" : "aos_trace_steps";
            var row = table == "aos_traces" ? Seed.Trace("t1", "wide", "r") : Seed.Step("t1", "open", 2);
            Assert.Equal((column, "00000"), (column, (await database.TryAsync("runproof_owner", Seed.Insert(table, row.With(column, $"repeat('ü', {limit})")))).State));
            Assert.Equal((column, "23514"), (column, (await database.TryAsync("runproof_owner", Seed.Insert(table, row.With(column, $"repeat('ü', {limit + 1})")))).State));
        }
    }

    private async Task<string> ShapeAsync(string table)
    {
        var shape = await database.ReadAsync<string>("superuser", null,
            $"""
            SELECT string_agg(x, E'\n') FROM (
              SELECT a.attnum || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' ' || a.attstorage::text || ' ' || a.attcollation AS x
                FROM pg_attribute a WHERE a.attrelid = '{table}'::regclass AND a.attnum > 0 AND NOT a.attisdropped
              UNION ALL SELECT k.conname || ' ' || pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.conrelid = '{table}'::regclass AND k.contype = 'c'
              UNION ALL SELECT array_to_string(i.indkey, ',') || ' ' || i.indisunique FROM pg_index i WHERE i.indrelid = '{table}'::regclass
              UNION ALL SELECT o FROM pg_class c, unnest(c.reloptions) o WHERE c.oid = '{table}'::regclass AND o LIKE 'toast%'
              ORDER BY 1) AS lines
            """);
        Assert.True(shape!.Split('\n').Length > 40);
        return shape;
    }
}
