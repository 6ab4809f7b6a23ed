using Npgsql;
using RunProof.Format;
using RunProof.Postgres;

namespace RunProof.Cli;

/// <summary>The tenants that a command is about.</summary>
internal static class Tenants
{
    /// <summary>Reads a tenant's id.</summary>
    /// <exception cref="CommandException">It is none.</exception>
    internal static TenantId Parse(string text) =>
        TenantId.TryParse(text, out var tenant) ? tenant : throw CommandException.Usage($"--tenant {text} is not a tenant id", "1 to 64 of A-Z a-z 0-9 . _ -");

    /// <summary>The one that was named, or all that have a log.</summary>
    /// <exception cref="CommandException">What was named is no tenant's id.</exception>
    internal static async Task<IReadOnlyList<TenantId>> WithLogsAsync(NpgsqlDataSource source, string? named, CancellationToken cancellationToken) =>
        named is not null ? [Parse(named)] : await new PostgresLogStore(source).ListLogsAsync(cancellationToken);
}
