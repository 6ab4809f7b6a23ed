using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>An origin is no longer what was verified of it: its evidence was changed, or erased, while a run relied on it.</summary>
internal sealed class OriginChangedException(string message) : Exception(message);

/// <summary>
/// Reads the steps of an origin by pages, and keeps a few of them: replays go through their origin about as it was recorded. However long it is, and however large its
/// payloads are, no more than that is in memory.
/// </summary>
internal sealed class OriginPages(IReplayStore store, Persistence persistence, Run run, string worker)
{
    /// <summary>Steps of a page at most.</summary>
    public const int MostSteps = 200;

    /// <summary>Bytes of a page's payloads at most, unless its first step alone has more.</summary>
    public const long MostBytes = 2 * 1024 * 1024;

    /// <summary>Pages that are kept.</summary>
    public const int MostKept = 4;

    private readonly Lock _lock = new();
    private readonly List<int> _firsts = [];
    private readonly List<(int Page, Task<IReadOnlyList<RecordedStep>> Steps)> _kept = [];
    private Task _reading = Task.CompletedTask;
    private int _next;

    /// <summary>Reads the trace; null where it is not there, or this process has not the run.</summary>
    public Task<RecordedTrace?> FindAsync(CancellationToken cancellationToken) => store.FindAsync(run.TenantId, run.Id, worker, cancellationToken);

    /// <summary>Reads the page after the one that was read last, once: its steps, none at the end.</summary>
    public async Task<IReadOnlyList<RecordedStep>> ReadNextAsync(CancellationToken cancellationToken)
    {
        var page = await store.ReadStepsAsync(run.TenantId, run.Id, worker, new OriginPage(_next, MostSteps, MostBytes), cancellationToken);
        if (page.Count > 0)
        {
            _firsts.Add(_next);
            _next = page[^1].StepIndex + 1;
        }

        return page;
    }

    /// <summary>A step of a page that was read before; null where it is there no more.</summary>
    /// <param name="index">Its index.</param>
    /// <param name="cancellationToken">Gives up; the store being away does not.</param>
    public async ValueTask<RecordedStep?> ReadAsync(int index, CancellationToken cancellationToken)
    {
        var at = _firsts.BinarySearch(index);
        var page = at >= 0 ? at : ~at - 1;
        var steps = await PageAsync(page, cancellationToken);
        var place = index - _firsts[page];
        return place < steps.Count && steps[place].StepIndex == index ? steps[place] : null;
    }

    private Task<IReadOnlyList<RecordedStep>> PageAsync(int page, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var at = _kept.FindIndex(kept => kept.Page == page);
            var steps = at >= 0 && _kept[at].Steps is { IsFaulted: false, IsCanceled: false } known ? known : ReadPageAsync(page, _reading, cancellationToken);
            if (at >= 0)
                _kept.RemoveAt(at);
            else if (_kept.Count == MostKept)
                _kept.RemoveAt(0);
            _kept.Add((page, steps));
            _reading = steps;
            return steps;
        }
    }

    // One after the other: branches that ask for many pages at once do not hold them all.
    private async Task<IReadOnlyList<RecordedStep>> ReadPageAsync(int page, Task before, CancellationToken cancellationToken)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var (first, last) = (_firsts[page], page + 1 < _firsts.Count ? _firsts[page + 1] : _next);
        return await persistence.UntilDoneAsync(
            async token => await store.ReadStepsAsync(run.TenantId, run.Id, worker, new OriginPage(first, last - first, long.MaxValue), token), cancellationToken);
    }
}

/// <summary>A digest of all that a replay takes from a recorded step: equal for what is equal, and for nothing else.</summary>
internal static class StepPrint
{
    public static Digest Of(RecordedStep step)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, step.StepIndex);
        Add(hash, step.RetryCount);
        foreach (var text in (ReadOnlySpan<string?>)[step.SkillName, step.SkillVersion, step.Status, step.OutcomeCode, step.IdempotencyKey, step.ReplayBehavior])
            Add(hash, text);
        Add(hash, step.Schema);
        Add(hash, step.Link);
        foreach (var payload in (ReadOnlySpan<RecordedPayload>)[step.Input, step.Output, step.Context])
        {
            Add(hash, payload.Commitment);
            Add(hash, payload.Text);
        }

        Span<byte> digest = stackalloc byte[Digest.Length];
        hash.GetHashAndReset(digest);
        return new Digest(digest);
    }

    private static void Add(IncrementalHash hash, int number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
        hash.AppendData(bytes);
    }

    private static void Add(IncrementalHash hash, string? text)
    {
        Add(hash, text?.Length ?? -1);
        hash.AppendData(MemoryMarshal.AsBytes(text.AsSpan()));
    }

    private static void Add(IncrementalHash hash, byte[]? bytes)
    {
        Add(hash, bytes?.Length ?? -1);
        hash.AppendData(bytes ?? []);
    }
}
