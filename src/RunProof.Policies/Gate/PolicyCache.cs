using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Policies;

/// <summary>How a process keeps policies.</summary>
public sealed record PolicyOptions
{
    /// <summary>How old what is known may be where a step is decided by it: a change is in force after it, for all processes. Default 2 s, 0 to 1 minute.</summary>
    public TimeSpan MaxAge { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a step waits for a store that cannot be reached before it is refused. Default 10 s, 0 to 10 minutes.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Policies of the operator's own, in force for every tenant beside its own. Default none.</summary>
    public IReadOnlyList<PolicyDocument> Files { get; init; } = [];

    /// <summary>Refuses values out of their range.</summary>
    /// <exception cref="ArgumentException">One is; it is named.</exception>
    /// <returns>These options.</returns>
    public PolicyOptions Validated()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxAge, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxAge, TimeSpan.FromMinutes(1));
        ArgumentOutOfRangeException.ThrowIfLessThan(Patience, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Patience, TimeSpan.FromMinutes(10));
        if (Files.DistinctBy(file => file.Name).Count() != Files.Count)
            throw new ArgumentException("two files hold a policy of the same name", nameof(Files));
        return this;
    }
}

/// <summary>
/// The policies in force of each tenant, read again before they are older than <see cref="PolicyOptions.MaxAge"/>: at half of it in the background, so that
/// steps of a busy tenant do not wait. One query at a time for a tenant; a query that finds nothing changed brings a number.
/// </summary>
internal sealed partial class PolicyCache(IPolicyStore store, IRestraintStore restraints, PolicyOptions options, TimeProvider clock, ILogger<PolicyCache> logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<TenantId, Entry> _tenants = new();

    // The same document is read once, however often and for however many tenants it comes back.
    private readonly ConcurrentDictionary<(Digest Text, Digest Document), PolicyDocument> _documents = new();

    /// <summary>The policies in force, as they were at most <see cref="PolicyOptions.MaxAge"/> ago.</summary>
    /// <exception cref="PolicyUnavailableException">They cannot be read, or one of them cannot.</exception>
    internal ValueTask<PolicySnapshot> CurrentAsync(TenantId tenant, CancellationToken cancellationToken)
    {
        var entry = _tenants.GetOrAdd(tenant, static _ => new Entry());
        if (entry.Known is { } known)
        {
            var age = clock.GetElapsedTime(known.AsOf);
            if (age < options.MaxAge)
            {
                if (age * 2 >= options.MaxAge)
                    _ = entry.RefreshAsync(() => LoadAsync(tenant, entry));
                return ValueTask.FromResult(known.Snapshot);
            }
        }

        return WaitAsync(tenant, entry, cancellationToken);
    }

    private async ValueTask<PolicySnapshot> WaitAsync(TenantId tenant, Entry entry, CancellationToken cancellationToken)
    {
        var began = clock.GetTimestamp();
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            var asked = clock.GetTimestamp();
            try
            {
                await entry.RefreshAsync(() => LoadAsync(tenant, entry)).WaitAsync(cancellationToken);

                // A query that was under way already may have seen less than is there now; it is young enough.
                if (entry.Known is { } known && (known.AsOf >= asked || clock.GetElapsedTime(known.AsOf) < options.MaxAge))
                    return known.Snapshot;
            }
            catch (Exception failed) when (failed is not (OperationCanceledException or PolicyUnavailableException))
            {
                if (clock.GetElapsedTime(began) + pause >= options.Patience)
                    throw new PolicyUnavailableException("the policies in force could not be read: the store does not answer", failed);
                LogUnreachable(logger, tenant.Value, failed.Message);
                await Task.Delay(pause, clock, cancellationToken);
            }
        }
    }

    private async Task LoadAsync(TenantId tenant, Entry entry)
    {
        var asOf = clock.GetTimestamp();
        var before = entry.Known?.Snapshot;
        var restraining = restraints.ReadInForceAsync(tenant, before?.Restraints.Stamp ?? -1, CancellationToken.None);
        var found = await store.ReadInForceAsync(tenant, before?.Stamp ?? -1, CancellationToken.None);
        var restrained = await restraining;
        var isSame = found.Policies is null && restrained.Budgets is null;
        entry.Known = new Known(before is not null && isSame ? before : Read(tenant, found, restrained, before), asOf);
    }

    /// <summary>Reads what is in force anew for the next decision: somebody has changed it here.</summary>
    internal void Forget(TenantId tenant) => _tenants.TryRemove(tenant, out _);

    /// <summary>Asks a store, again while it does not answer, for as long as a step waits.</summary>
    /// <exception cref="PolicyUnavailableException">It does not answer.</exception>
    internal async ValueTask<T> AskAsync<T>(Func<CancellationToken, Task<T>> ask, string otherwise, CancellationToken cancellationToken)
    {
        var began = clock.GetTimestamp();
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                return await ask(cancellationToken);
            }
            catch (Exception failed) when (failed is not (OperationCanceledException or PolicyUnavailableException))
            {
                if (clock.GetElapsedTime(began) + pause >= options.Patience)
                    throw new PolicyUnavailableException($"{otherwise}: the store does not answer", failed);
                await Task.Delay(pause, clock, cancellationToken);
            }
        }
    }

    private PolicySnapshot Read(TenantId tenant, PoliciesInForce found, RestraintsInForce restrained, PolicySnapshot? before)
    {
        if (restrained.Budgets is null && before is not null)
            restrained = before.Restraints;
        if (restrained.Budgets?.FirstOrDefault(budget => !budget.IsAsStored) is { } changed)
        {
            LogChanged(logger, tenant.Value, changed.Id, changed.Version);
            throw new PolicyUnavailableException(FormattableString.Invariant($"budget {changed.Id} {changed.Version} is in force and is not what its stored digest says"));
        }

        return new PolicySnapshot(found.Stamp, found.Policies is null && before is not null ? before.Policies : Read(tenant, found), restrained);
    }

    private List<PolicyInForce> Read(TenantId tenant, PoliciesInForce found)
    {
        var policies = options.Files.Select(file => new PolicyInForce("file:" + file.Name, file)).ToList();
        foreach (var stored in found.Policies ?? [])
        {
            if (Read(stored) is not { } document)
            {
                LogUnreadable(logger, tenant.Value, stored.Name, stored.Version);
                throw new PolicyUnavailableException($"policy {stored.Name} {stored.Version} is in force and cannot be read as it was stored");
            }

            policies.Add(new PolicyInForce(stored.Name, document));
        }

        return policies;
    }

    // A document that says something else than its row is none: somebody changed one of them.
    private PolicyDocument? Read(StoredPolicy stored)
    {
        var key = (Digest.Of(System.Text.Encoding.UTF8.GetBytes(stored.Document)), stored.Digest);
        if (!_documents.TryGetValue(key, out var document))
        {
            document = PolicyReader.Read(stored.Document).Policy;
            if (document is null || document.Digest != stored.Digest)
                return null;
            if (_documents.Count > 10_000)
                _documents.Clear();
            _documents[key] = document;
        }

        return document.Name == stored.Name && document.Version == stored.Version ? document : null;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "policies of tenant {Tenant} cannot be read at present, steps wait: {Reason}")]
    private static partial void LogUnreachable(ILogger logger, string tenant, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "tenant {Tenant}: budget {Budget} {Version} is in force and is not what its stored digest says; every step is refused")]
    private static partial void LogChanged(ILogger logger, string tenant, string budget, int version);

    [LoggerMessage(Level = LogLevel.Error, Message = "tenant {Tenant}: policy {Policy} {Version} is in force and its stored document is not what its digest says; every step is refused")]
    private static partial void LogUnreadable(ILogger logger, string tenant, string policy, string version);

    private sealed record Known(PolicySnapshot Snapshot, long AsOf);

    private sealed class Entry
    {
        private readonly Lock _gate = new();
        private Task? _refresh;

        internal Known? Known { get => Volatile.Read(ref field); set => Volatile.Write(ref field, value); }

        internal Task RefreshAsync(Func<Task> load)
        {
            lock (_gate)
            {
                if (_refresh is { IsCompleted: false } underWay)
                    return underWay;
                _refresh = Task.Run(load);

                // Where nobody waits for it, nobody else looks at what it threw.
                _ = _refresh.ContinueWith(static failed => _ = failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
                return _refresh;
            }
        }
    }
}
