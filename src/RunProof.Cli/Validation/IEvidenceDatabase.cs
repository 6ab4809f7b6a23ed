using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Cli;

/// <summary>The database as validation looks at it: what is there, read back; and what it refuses.</summary>
internal interface IEvidenceDatabase
{
    /// <summary>Server, login and schema.</summary>
    Task<DatabaseFacts> DescribeAsync(CancellationToken cancellationToken);

    /// <summary>Runs a query of a tenant; every value is the server's own text of it.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="sql">The query, with $1.</param>
    /// <param name="value">$1.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<Rows> QueryAsync(TenantId tenant, string sql, string value, CancellationToken cancellationToken);

    /// <summary>The whole row of each trace of a run, as the server's <c>to_jsonb</c> gives it, with its steps in order.</summary>
    Task<IReadOnlyList<(JsonElement Trace, IReadOnlyList<JsonElement> Steps)>> ExportAsync(TenantId tenant, RunId run, CancellationToken cancellationToken);

    /// <summary>The traces of a run with their steps, payloads too, as the verifier service reads them.</summary>
    Task<IReadOnlyList<Evidence>> ReadAsync(TenantId tenant, RunId run, CancellationToken cancellationToken);

    /// <summary>The side records of a run, held against its evidence by this very program.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="run">The run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<SideRecordReport> CompareSideRecordsAsync(TenantId tenant, RunId run, CancellationToken cancellationToken);

    /// <summary>Tries a statement that must be refused, and rolls back whatever it did.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="sql">The statement, with $1.</param>
    /// <param name="value">$1.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<Attempt> AttemptAsync(TenantId tenant, string sql, string value, CancellationToken cancellationToken);
}

/// <summary>Server, login and schema.</summary>
internal sealed record DatabaseFacts
{
    /// <summary>Where the command connected to, without the password.</summary>
    public required string Address { get; init; }
    public required int ConnectedPort { get; init; }

    /// <summary>The port that the server itself listens on; null over a Unix socket. Another one means that a pooler or a proxy stands between.</summary>
    public required int? ServerPort { get; init; }
    public required string User { get; init; }
    public required bool IsSuperuser { get; init; }
    public required IReadOnlyList<string> Roles { get; init; }
    public required DateTimeOffset ServerTime { get; init; }
    public required SchemaState Schema { get; init; }
}

/// <summary>What came of a statement that must be refused.</summary>
/// <param name="SqlState">The server's code; null where it did not refuse.</param>
/// <param name="Message">The server's words, or how many rows it would have touched.</param>
internal sealed record Attempt(string? SqlState, string Message)
{
    /// <summary>Whether it was refused for what it is: no privilege, or evidence does not change.</summary>
    internal bool IsRefused => SqlState is "42501" || (SqlState is not null && Message.Contains("S6_IMMUTABILITY_VIOLATION", StringComparison.Ordinal));
}
