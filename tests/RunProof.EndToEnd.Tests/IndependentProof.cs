using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace RunProof.EndToEnd.Tests;

/// <summary>
/// The chain recomputed from the database by nothing but SQL, string building and SHA-256: written from proof-format.md section 3,
/// sharing no line with the product. It knows only what canonical JSON needs for these records: sorted members and plain escapes.
/// </summary>
internal static class IndependentProof
{
    internal static async Task<(string Root, string Link0)> RecomputeAsync(string connectionString, string run, CancellationToken cancellationToken, string? traceId = null)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        var trace = (await RowsAsync(connection, "SELECT * FROM aos_traces WHERE run_id = $1", run, cancellationToken)).Single(one => traceId is null || (string)one["trace_id"]! == traceId);
        var steps = await RowsAsync(connection, "SELECT * FROM aos_trace_steps WHERE trace_id = $1 ORDER BY step_index", (string)trace["trace_id"]!, cancellationToken);

        var link = Hash("runproof/v1/header\n", [], Json(
            ("agent_id", Text(trace["agent_id"])), ("context_hash", Hex(trace["context_hash"])), ("correlation_id", Text(trace["correlation_id"])),
            ("format", Text(trace["schema_version"])), ("frozen_timestamp", Time(trace["frozen_timestamp"])), ("goal_hash", Hex(trace["goal_hash"])),
            ("is_synthetic", (bool)trace["is_synthetic"]! ? "true" : "false"), ("origin_system_id", Text(trace["origin_system_id"])),
            ("plan_hash", Hex(trace["plan_hash"])), ("planner", Text(trace["planner"])), ("run_id", Text(trace["run_id"])), ("seed", Number(trace["seed"])),
            ("started_at", Time(trace["started_at"])), ("synthetic_scenario_id", Text(trace["synthetic_scenario_id"])), ("tenant_id", Text(trace["tenant_id"])),
            ("trace_id", Text(trace["trace_id"]))));
        var first = link;
        var leaves = new List<byte[]>();
        foreach (var step in steps)
        {
            link = Hash("runproof/v1/step\n", link, Json(
                ("context_hash", Hex(step["context_hash"])), ("cost_cents", Text(((decimal)step["cost_cents"]!).ToString("0.############", CultureInfo.InvariantCulture))),
                ("duration_ms", Number(step["duration_ms"])), ("idempotency_key", Text(step["idempotency_key"])), ("input_hash", Hex(step["input_hash"])),
                ("level", Text(step["level"])), ("outcome_category", Text(step["outcome_category"])), ("outcome_code", Text(step["outcome_code"])),
                ("output_hash", Hex(step["output_hash"])), ("replay_behavior", Text(step["replay_behavior"])), ("retry_count", Number(step["retry_count"])),
                ("rng_state_before", Text(step["rng_state_before"])), ("schema", Hex(step["skill_schema"])), ("skill_id", Text(step["skill_id"])),
                ("skill_name", Text(step["skill_name"])), ("skill_version", Text(step["skill_version"])), ("source", Text(step["source"])),
                ("status", Text(step["status"])), ("step_index", Number(step["step_index"])), ("timestamp", Time(step["timestamp"]))));
            leaves.Add(SHA256.HashData([0, .. link]));
        }

        var root = Hash("runproof/v1/seal\n", link, Json(
            ("chain_length", Number(steps.Count)), ("completed_at", Time(trace["completed_at"])), ("metadata_hash", Hex(trace["metadata_hash"])),
            ("status", Text(trace["status"])), ("steps_root", Hex(Merkle(leaves)))));
        return (Convert.ToHexStringLower(root), Convert.ToHexStringLower(first));
    }

    private static byte[] Merkle(List<byte[]> leaves)
    {
        if (leaves.Count == 0)
            return SHA256.HashData([]);
        if (leaves.Count == 1)
            return leaves[0];
        var split = 1;
        while (split * 2 < leaves.Count)
            split *= 2;
        return SHA256.HashData([1, .. Merkle(leaves[..split]), .. Merkle(leaves[split..])]);
    }

    private static byte[] Hash(string domain, byte[] previous, string json) =>
        SHA256.HashData([.. Encoding.ASCII.GetBytes(domain), .. previous, .. Encoding.UTF8.GetBytes(json)]);

    private static string Json(params (string Name, string Value)[] members) =>
        "{" + string.Join(',', members.OrderBy(m => m.Name, StringComparer.Ordinal).Select(m => $"\"{m.Name}\":{m.Value}")) + "}";

    private static string Text(object? value) => value is null ? "null" : $"\"{((string)value).Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";

    private static string Hex(object? value) => value is null ? "null" : $"\"{Convert.ToHexStringLower((byte[])value)}\"";

    private static string Time(object? value) =>
        value is null ? "null" : $"\"{((DateTime)value).ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture)}\"";

    // Whole numbers and durations of ordinary size: .NET's shortest form is ECMAScript's there.
    private static string Number(object? value) => Convert.ToDouble(value, CultureInfo.InvariantCulture).ToString("R", CultureInfo.InvariantCulture);

    private static async Task<List<Dictionary<string, object?>>> RowsAsync(
        NpgsqlConnection connection, string sql, string parameter, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new NpgsqlParameter { Value = parameter } } };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<Dictionary<string, object?>>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(Enumerable.Range(0, reader.FieldCount).ToDictionary(
                reader.GetName, i => reader.IsDBNull(i) ? null : reader.GetValue(i), StringComparer.Ordinal));
        }

        return rows;
    }
}
