using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace RunProof.Cli;

/// <summary>
/// The root hash worked out a second time, from the columns as PostgreSQL itself writes them, by code that shares nothing with the recorder or the
/// verifier: its own canonical JSON, its own tree, straight from proof-format.md. What both agree on is hardly a mistake of one.
/// </summary>
internal static class Recomputation
{
    private static readonly string[] Header =
    [
        "agent_id", "context_hash", "correlation_id", "format=schema_version", "frozen_timestamp", "goal_hash", "is_synthetic", "origin_system_id",
        "plan_hash", "planner", "run_id", "seed", "started_at", "synthetic_scenario_id", "tenant_id", "trace_id",
    ];

    private static readonly string[] Step =
    [
        "context_hash", "cost_cents", "duration_ms", "idempotency_key", "input_hash", "level", "outcome_category", "outcome_code", "output_hash",
        "replay_behavior", "retry_count", "rng_state_before", "schema=skill_schema", "skill_id", "skill_name", "skill_version", "source", "status",
        "step_index", "timestamp",
    ];

    private static readonly string[] Seal = ["chain_length", "completed_at", "metadata_hash", "status", "steps_root"];

    private static readonly string[] TracePayloads = ["goal:goal_salt:goal_hash", "plan:plan_salt:plan_hash", "context:context_salt:context_hash", "metadata:metadata_salt:metadata_hash"];

    private static readonly string[] StepPayloads = ["params:params_salt:input_hash", "outcome_data:outcome_salt:output_hash", "context:context_salt:context_hash"];

    /// <summary>Works it out.</summary>
    /// <param name="trace">The row of <c>aos_traces</c> as the server's <c>to_jsonb</c> gives it.</param>
    /// <param name="steps">The rows of <c>aos_trace_steps</c>, in order.</param>
    /// <exception cref="FormatException">A column is missing or has no form that could be hashed.</exception>
    internal static RecomputedTrace Of(JsonElement trace, IReadOnlyList<JsonElement> steps)
    {
        var differences = new List<string>();
        var link = Hash("runproof/v1/header\n", [], Canonical(trace, Header));
        Compare(differences, "link[0]", link, Text(trace, "link"));
        ComparePayloads(differences, "header", trace, TracePayloads);
        var leaves = new List<byte[]>();
        foreach (var (index, step) in steps.Index())
        {
            var place = string.Create(CultureInfo.InvariantCulture, $"link[{index + 1}]");
            link = Hash("runproof/v1/step\n", link, Canonical(step, Step));
            Compare(differences, place, link, Text(step, "link"));
            ComparePayloads(differences, string.Create(CultureInfo.InvariantCulture, $"steps[{index}]"), step, StepPayloads);
            leaves.Add(link);
        }

        Compare(differences, "steps_root", Tree(leaves), Text(trace, "steps_root"));
        var root = Hash("runproof/v1/seal\n", link, Canonical(trace, Seal));
        Compare(differences, "root_hash", root, Text(trace, "root_hash"));
        return new RecomputedTrace(Convert.ToHexStringLower(root), differences);
    }

    /// <summary>RFC 6962 section 2.1, as it is written there: split at the largest power of two below n.</summary>
    private static byte[] Tree(IReadOnlyList<byte[]> leaves)
    {
        if (leaves.Count == 0)
            return SHA256.HashData([]);
        if (leaves.Count == 1)
            return SHA256.HashData([0, .. leaves[0]]);
        var split = 1;
        while (split * 2 < leaves.Count)
            split *= 2;
        return SHA256.HashData([1, .. Tree([.. leaves.Take(split)]), .. Tree([.. leaves.Skip(split)])]);
    }

    private static byte[] Hash(string domain, byte[] previous, string record) => SHA256.HashData([.. Encoding.UTF8.GetBytes(domain), .. previous, .. Encoding.UTF8.GetBytes(record)]);

    private static void ComparePayloads(List<string> differences, string record, JsonElement row, string[] payloads)
    {
        foreach (var payload in payloads)
        {
            var (text, salt, hash) = payload.Split(':') is [var a, var b, var c] ? (a, b, c) : throw new FormatException(payload);
            if (Text(row, text) is { } content && Text(row, salt) is { } saltText)
                Compare(differences, $"{record}.{hash}", Hash("runproof/v1/payload\n", Bytes(saltText), content), Text(row, hash));
        }
    }

    private static void Compare(List<string> differences, string place, byte[] recomputed, string? recorded)
    {
        if (recorded is null || !recomputed.AsSpan().SequenceEqual(Bytes(recorded)))
            differences.Add($"{place}: recorded {recorded?[2..] ?? "nothing"}, recomputed {Convert.ToHexStringLower(recomputed)}");
    }

    /// <summary>The record's canonical JSON: its member names are ASCII and stand in order above.</summary>
    private static string Canonical(JsonElement row, string[] members) =>
        "{" + string.Join(',', members.Select(member => member.Split('=') is [var name, var column] ? $"\"{name}\":{Value(row, column)}" : $"\"{member}\":{Value(row, member)}")) + "}";

    private static string Value(JsonElement row, string column)
    {
        if (!row.TryGetProperty(column, out var value))
            throw new FormatException($"the exported row has no column {column}");
        return value.ValueKind switch
        {
            JsonValueKind.Null => "null",
            JsonValueKind.True => "true",
            JsonValueKind.False => "false",
            JsonValueKind.Number when column == "cost_cents" => Quote(TrimZeros(value.GetRawText())),
            JsonValueKind.Number when column == "duration_ms" => EcmaScript(value.GetDouble()),
            JsonValueKind.Number => value.GetRawText(),
            _ when IsTime(column) => Quote(Time(value.GetString()!)),
            _ when IsDigest(column) => Quote(value.GetString()![2..]),
            _ => Quote(value.GetString()!),
        };
    }

    private static bool IsTime(string column) => column is "started_at" or "completed_at" or "frozen_timestamp" or "timestamp";

    private static bool IsDigest(string column) => column is "skill_schema" or "steps_root" || column.EndsWith("_hash", StringComparison.Ordinal);

    private static string Time(string text) =>
        DateTimeOffset.Parse(text, CultureInfo.InvariantCulture).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    private static string TrimZeros(string number) => number.Contains('.', StringComparison.Ordinal) ? number.TrimEnd('0').TrimEnd('.') : number;

    /// <summary>ECMA-262 Number::toString over the shortest digits that give the same double.</summary>
    internal static string EcmaScript(double value)
    {
        if (value == 0)
            return "0";
        var digits = 0;
        string scientific;
        do
        {
            scientific = Math.Abs(value).ToString(string.Create(CultureInfo.InvariantCulture, $"E{digits}"), CultureInfo.InvariantCulture);
        }
        while (digits++ < 17 && double.Parse(scientific, CultureInfo.InvariantCulture) != Math.Abs(value));
        var mantissa = scientific[..scientific.IndexOf('E', StringComparison.Ordinal)].Replace(".", "", StringComparison.Ordinal).TrimEnd('0');
        var point = int.Parse(scientific[(scientific.IndexOf('E', StringComparison.Ordinal) + 1)..], CultureInfo.InvariantCulture) + 1;
        return (value < 0 ? "-" : "") + Place(mantissa, point);
    }

    private static string Place(string digits, int point) => (digits.Length, point) switch
    {
        var (count, at) when count <= at && at <= 21 => digits + new string('0', at - count),
        (_, > 0 and <= 21) => digits[..point] + "." + digits[point..],
        (_, > -6 and <= 0) => "0." + new string('0', -point) + digits,
        _ => digits[..1] + (digits.Length > 1 ? "." + digits[1..] : "") + string.Create(CultureInfo.InvariantCulture, $"e{(point > 0 ? "+" : "-")}{Math.Abs(point - 1)}"),
    };

    private static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            quoted.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\b' => "\\b",
                '\t' => "\\t",
                '\n' => "\\n",
                '\f' => "\\f",
                '\r' => "\\r",
                < ' ' => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => c.ToString(),
            });
        }

        return quoted.Append('"').ToString();
    }

    private static string? Text(JsonElement row, string column) => row.TryGetProperty(column, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    // The server writes bytea as \x and hex digits.
    private static byte[] Bytes(string text) => text.StartsWith("\\x", StringComparison.Ordinal) ? Convert.FromHexString(text[2..]) : throw new FormatException("a bytea column is not written as \\x…");
}

/// <summary>What was worked out.</summary>
/// <param name="RootHash">The root hash.</param>
/// <param name="Differences">Where it differs from what was recorded; empty where nowhere.</param>
internal sealed record RecomputedTrace(string RootHash, IReadOnlyList<string> Differences);
