using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace RunProof.Postgres.Tests;

/// <summary>
/// What the server really did, statement by statement, also inside triggers: PostgreSQL's own auto_explain, switched on for the verifier's login in one
/// database, tells it to the client as notices.
/// </summary>
internal sealed class ServerPlans : ILoggerFactory, ILogger, IAsyncDisposable
{
    private readonly ConcurrentQueue<JsonNode> _plans = new();

    private ServerPlans(string connectionString)
    {
        var builder = new NpgsqlDataSourceBuilder(connectionString);
        // The driver's log: its event is each connection object's own, and stores open theirs themselves.
        builder.UseLoggerFactory(this);
        Source = builder.Build();
    }

    internal NpgsqlDataSource Source { get; }

    /// <returns>Null where the server has no auto_explain.</returns>
    internal static async Task<ServerPlans?> StartAsync(LogDesk desk)
    {
        try
        {
            await desk.Recording.AskAsync<int>("LOAD 'auto_explain'; SELECT 1");
        }
        catch (PostgresException)
        {
            return null;
        }

        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["session_preload_libraries"] = "auto_explain", ["auto_explain.log_min_duration"] = "0", ["auto_explain.log_analyze"] = "on", ["auto_explain.log_timing"] = "off",
            ["auto_explain.log_nested_statements"] = "on", ["auto_explain.log_format"] = "json", ["auto_explain.log_level"] = "notice",
        };
        foreach (var (name, value) in settings)
            await desk.Recording.AskAsync<int>($"ALTER ROLE runproof_verifier_login IN DATABASE {desk.Recording.Database} SET {name} = '{value}'; SELECT 1");
        return new ServerPlans(new NpgsqlConnectionStringBuilder(desk.Recording.VerifierConnectionString) { ApplicationName = "plans" }.ConnectionString);
    }

    public ValueTask DisposeAsync() => Source.DisposeAsync();

    /// <summary>Rows of tables that statements went through since this was asked last, by table: those that they found and those that they threw away.</summary>
    internal IReadOnlyDictionary<string, double> TakeRows()
    {
        var rows = new SortedDictionary<string, double>(StringComparer.Ordinal);
        while (_plans.TryDequeue(out var plan))
            Count(plan["Plan"]!, rows);
        // What the driver asks when it first connects.
        foreach (var table in rows.Keys.Where(table => table.StartsWith("pg_", StringComparison.Ordinal)).ToList())
            rows.Remove(table);
        return rows;
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose() => Source.Dispose();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        foreach (var (name, value) in state as IReadOnlyList<KeyValuePair<string, object?>> ?? [])
        {
            if (name == "NoticeText" && value is string text && text.StartsWith("duration:", StringComparison.Ordinal))
                _plans.Enqueue(JsonNode.Parse(text[text.IndexOf('{', StringComparison.Ordinal)..])!);
        }
    }

    private static void Count(JsonNode node, SortedDictionary<string, double> rows)
    {
        if (node["Relation Name"]?.GetValue<string>() is { } table && node["Node Type"]!.GetValue<string>() is not "ModifyTable")
            rows[table] = rows.GetValueOrDefault(table) + (Number("Actual Loops") * (Number("Actual Rows") + Number("Rows Removed by Filter") + Number("Rows Removed by Index Recheck")));
        foreach (var child in node["Plans"]?.AsArray() ?? [])
            Count(child!, rows);

        double Number(string name) => node[name]?.GetValue<double>() ?? 0;
    }
}
