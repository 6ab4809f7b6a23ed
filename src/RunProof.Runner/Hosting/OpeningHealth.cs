using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using RunProof.Execution;

namespace RunProof.Runner;

/// <summary>Whether runs wait for long until their trace's opening is in the log. Never unhealthy: the other runs do not wait.</summary>
internal sealed class OpeningHealth(LogOpenings openings) : IHealthCheck
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(10);

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var (runs, longest) = openings.Waiting;
        var data = new Dictionary<string, object>(StringComparer.Ordinal) { ["awaiting_log"] = runs, ["longest_wait_seconds"] = Math.Round(longest.TotalSeconds, 3) };
        var words = string.Create(CultureInfo.InvariantCulture, $"{runs} runs wait until their trace's opening is in the log, for {longest.TotalSeconds:0.0} s at most");
        return Task.FromResult(longest < Long ? HealthCheckResult.Healthy(words, data) : HealthCheckResult.Degraded(words + ": the log stands still", data: data));
    }
}
