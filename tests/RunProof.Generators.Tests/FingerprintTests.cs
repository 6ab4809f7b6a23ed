using System.Security.Cryptography;
using System.Text;
using RunProof.Format;
using RunProof.Generators.Tests.Driving;
using RunProof.Generators.Tests.Samples;

namespace RunProof.Generators.Tests;

/// <summary>Schemas and fingerprints of proof-format.md section 6. The expected schemas were written by hand from sections 3 and 6.</summary>
public sealed class FingerprintTests
{
    private const string OrderItem = """{"members":{"SKU":"string","count":"integer"},"name":"order_item","version":"1"}""";

    [Fact]
    public void Header() => Is<TraceHeader>(
        """{"members":{"agent_id":"string?","context_hash":"string?","correlation_id":"string","format":"string","frozen_timestamp":"time?","goal_hash":"string","is_synthetic":"boolean","origin_system_id":"string","plan_hash":"string","planner":"string","run_id":"string","seed":"integer","started_at":"time","synthetic_scenario_id":"string?","tenant_id":"string","trace_id":"string"},"name":"runproof.header","version":"1"}""");

    [Fact]
    public void Step() => Is<TraceStep>(
        """{"members":{"context_hash":"string?","cost_cents":"string","duration_ms":"number","idempotency_key":"string?","input_hash":"string","level":"enum(ERROR|INFO|WARN)","outcome_category":"string","outcome_code":"string?","output_hash":"string?","replay_behavior":"enum(check|execute|skip)","retry_count":"integer","rng_state_before":"string?","schema":"string?","skill_id":"string","skill_name":"string","skill_version":"string?","source":"enum(engine|external|mcp|otlp|replay)","status":"enum(blocked|failed|interrupted|retrying|skipped|succeeded)","step_index":"integer","timestamp":"time"},"name":"runproof.step","version":"1"}""");

    [Fact]
    public void Seal() => Is<TraceSeal>(
        """{"members":{"chain_length":"integer","completed_at":"time","metadata_hash":"string?","status":"enum(aborted|completed|failed)","steps_root":"string"},"name":"runproof.seal","version":"1"}""");

    [Fact]
    public void Scalars() => Is<Scalars>(
        """{"members":{"amount":"string","bytes":"bytes","double":"number","duration":"duration","flag":"boolean","huge":"string","id":"guid","json":"json","long":"string","memory":"bytes","number":"integer","octet":"integer","run_id":"string","seed":"integer","shade":"enum(DARK|light_grey)","short":"integer","single":"number","text":"string","time":"time","tiny":"integer","u_huge":"string","u_long":"string","u_number":"integer","u_short":"integer"},"name":"sample.scalars","version":"2"}""");

    [Fact]
    public void Nullables() => Is<Absent>(
        """{"members":{"amount":"string?","bytes":"bytes?","double":"number?","duration":"duration?","flag":"boolean?","id":"guid?","json":"json?","long":"string?","memory":"bytes?","number":"integer?","run_id":"string?","shade":"enum(DARK|light_grey)?","text":"string?","time":"time?"},"name":"absent","version":"1"}""");

    [Fact]
    public void Nested_records_are_spelled_by_their_fingerprint()
    {
        var item = Hex(OrderItem);
        var order = $$"""{"members":{"gift":"{{item}}?","items":"{{item}}[]","labels":"map(string?)","note":"string?"},"name":"order","version":"1"}""";
        Is<OrderItem>(OrderItem);
        Is<Order>(order);
        Is<Collections>($$"""{"members":{"array":"string[]","deep":"map(map(boolean))?","list":"integer?[]","map":"map(string[])","nested":"integer[][]","orders":"{{Hex(order)}}[]?","shades":"enum(DARK|light_grey)[]","sorted":"map({{item}})"},"name":"collections","version":"1"}""");
    }

    [Fact]
    public void Names_are_escaped_and_sorted_as_in_canonical_JSON() =>
        Is<Dog>("{\"members\":{\"bark\u00e9\ud83d\ude00\":\"integer\",\"name\":\"string\"},\"name\":\"sample.dog\",\"version\":\"1\"}");

    [Fact]
    public void A_keyword_is_a_name_like_any_other() => Is<Outer.Between.Inner>("""{"members":{"class":"integer"},"name":"inner","version":"1"}""");

    [Fact]
    public void Defaults_and_descriptions_are_no_part_of_it() => Is<Defaults>(
        """{"members":{"comment":"string?","factor":"number","flag":"boolean","greeting":"string?","limit":"string","must":"integer","price":"string","reason":"string?","shade":"enum(DARK|light_grey)","tags":"string[]","timeout":"duration","times":"integer","url":"string","word":"string"},"name":"defaults","version":"1"}""");

    [Fact]
    public void A_record_of_another_assembly_has_the_same_fingerprint_there_and_here()
    {
        const string inner = "namespace L; [RunProof.Format.Canonical] public sealed partial record Inner(string? A, System.Collections.Generic.IReadOnlyList<int?> B, Kind K); public enum Kind { One, [RunProof.Format.WireName(\"II\")] Two }";
        const string outer = "[RunProof.Format.Canonical] public sealed partial record Outer(L.Inner I, L.Inner[]? More);";
        var apart = Generation.Sources(Generation.Compile(("Outer.cs", outer)).AddReferences(Generation.Library("Elsewhere", inner)));
        var together = Generation.Sources(("Outer.cs", outer), ("Inner.cs", inner));
        var fingerprint = Hex("""{"members":{"a":"string?","b":"integer?[]","k":"enum(II|one)"},"name":"inner","version":"1"}""");
        Assert.Equal(together["Outer.Canonical.g.cs"], apart["Outer.Canonical.g.cs"]);
        Assert.Contains($"\"i\":\"{fingerprint}\",\"more\":\"{fingerprint}[]?\"", apart["Outer.Canonical.g.cs"], StringComparison.Ordinal);
    }

    private static void Is<T>(string schema)
        where T : ICanonical<T>
    {
        Assert.Equal(schema, T.CanonicalSchema);
        Assert.Equal(Hex(schema), T.CanonicalFingerprint);
    }

    private static string Hex(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
