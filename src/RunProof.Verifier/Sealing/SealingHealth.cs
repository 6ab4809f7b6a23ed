using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Verifier;

/// <summary>What is wrong with sealing at the moment.</summary>
internal sealed class SealingState
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TenantId, bool> _halted = [];
    private readonly HashSet<TenantId> _withheld = [];

    /// <summary>Why the last round ended early; null where it did not.</summary>
    internal volatile string? StoreProblem;

    internal int Halted
    {
        get
        {
            lock (_gate)
                return _halted.Count;
        }
    }

    /// <summary>Logs that wait for nothing but another key.</summary>
    internal int HandedOver
    {
        get
        {
            lock (_gate)
                return _halted.Values.Count(static isKeyRetired => isKeyRetired);
        }
    }

    internal bool Halt(TenantId tenant, bool isKeyRetired)
    {
        lock (_gate)
        {
            var isNew = !_halted.TryGetValue(tenant, out var before) || before != isKeyRetired;
            _halted[tenant] = isKeyRetired;
            return isNew;
        }
    }

    /// <summary>Logs whose newest checkpoint awaits its witnesses.</summary>
    internal int Withheld
    {
        get
        {
            lock (_gate)
                return _withheld.Count;
        }
    }

    internal void Published(TenantId tenant, bool isPublished)
    {
        lock (_gate)
            _ = isPublished ? _withheld.Remove(tenant) : _withheld.Add(tenant);
    }

    internal bool Continue(TenantId tenant)
    {
        lock (_gate)
            return _halted.Remove(tenant);
    }
}

/// <summary>How far the logs are behind. Never unhealthy: a service that cannot seal still verifies and serves.</summary>
internal sealed class SealingHealth(SealingKey key, SealingState state, SealingMetrics metrics, LogOptions options) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var lag = metrics.Lag;
        var age = metrics.Age(lag);
        var data = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["queued"] = lag.Queued,
            ["sealed_queued"] = lag.Sealed,
            ["oldest_age_seconds"] = Math.Round(age.TotalSeconds, 3),
            ["quarantined"] = lag.Quarantined,
            ["halted_logs"] = state.Halted,
            ["withheld_logs"] = state.Withheld,
        };
        // No file's name and no tenant's: this has no authentication. The log names them.
        var problem = key.PublicProblem is { } none ? none
            : state.StoreProblem is { } store ? store
            : state.Halted > 0 && state.HandedOver == state.Halted ? string.Create(CultureInfo.InvariantCulture, $"{state.Halted} logs wait for another key: this service's was handed over to it. Finish the rotation, or give this service the key in use")
            : state.Halted > 0 ? string.Create(CultureInfo.InvariantCulture, $"{state.Halted} logs cannot be continued; the log says which and why")
            : state.Withheld > 0 ? string.Create(CultureInfo.InvariantCulture, $"{state.Withheld} logs are served at an older size: too few witnesses cosigned the newest; the log says which and why")
            : age > options.MaxLag ? "entries have awaited inclusion for too long"
            : null;
        var words = string.Create(CultureInfo.InvariantCulture, $"{lag.Queued} entries await inclusion, {lag.Sealed} of them seals, the oldest for {age.TotalSeconds:0.0} s; {lag.Quarantined} in quarantine");
        return Task.FromResult(problem is null ? HealthCheckResult.Healthy(words, data) : HealthCheckResult.Degraded($"{problem} ({words})", data: data));
    }
}
