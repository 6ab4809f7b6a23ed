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
            return new HealthCheckResult(context.Registration.FailureStatus, e.Message, e);
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
            return new HealthCheckResult(context.Registration.FailureStatus, e.Message, e);
        }
    }
}
