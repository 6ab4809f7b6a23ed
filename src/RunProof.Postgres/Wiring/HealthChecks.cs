using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace RunProof.Postgres;

/// <summary>Whether the server answers.</summary>
internal sealed class ServerHealthCheck(NpgsqlDataSource source) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var command = source.CreateCommand("SELECT 1");
            await command.ExecuteScalarAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (NpgsqlException e)
        {
            return HealthWords.Failed(context, e);
        }
    }
}

/// <summary>Whether the database is at this program's schema version.</summary>
internal sealed class SchemaHealthCheck(NpgsqlDataSource source) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var state = await SchemaVersion.ReadAsync(source, cancellationToken);
            return state.IsHead ? HealthCheckResult.Healthy(state.ToString()) : new HealthCheckResult(context.Registration.FailureStatus, state.ToString());
        }
        catch (NpgsqlException e)
        {
            return HealthWords.Failed(context, e);
        }
    }
}

/// <summary>A failing check's words. Its exception goes to the log; what is said to whoever asks names no host, database or user.</summary>
internal static class HealthWords
{
    internal static HealthCheckResult Failed(HealthCheckContext context, NpgsqlException failure) =>
        new(context.Registration.FailureStatus, failure is PostgresException refusal ? $"the database refused (SQLSTATE {refusal.SqlState}); the log says more" : "the database does not answer; the log says why", failure);
}
