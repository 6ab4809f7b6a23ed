using System.Text;
using RunProof.Format;
using RunProof.Verification;

namespace RunProof.Ledger;

/// <summary>What became of a trace's recomputation: for each of its two entries its text, or the finding that keeps it out.</summary>
internal sealed record ExaminedTrace(string? RunId, (string? Text, Finding? Finding) Opened, (string? Text, Finding? Finding) Sealed);

/// <summary>Recomputes traces from their columns before they enter the log. Of each part one step at a time is in memory.</summary>
internal static class TraceExamination
{
    /// <summary>A seal whose opening is not in the log.</summary>
    internal static readonly Finding NotOpened = new("OPENED_ENTRY_MISSING", "header", "header: the trace's opening is not in the log, so its seal is not entered");

    /// <summary>Traces below which a part is not divided further: opening a view costs more than it saves.</summary>
    private const int SmallestPart = 32;

    /// <summary>Recomputes the traces of a queue.</summary>
    /// <param name="evidence">Where they are; each part is read from one view of it, which is younger than the queue.</param>
    /// <param name="tenant">The tenant.</param>
    /// <param name="queue">What is queued of them.</param>
    /// <param name="parts">How many parts are worked on side by side, at most.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Every trace of the queue, by its id.</returns>
    internal static async Task<IReadOnlyDictionary<string, ExaminedTrace>> ExamineAsync(
        IEvidenceStore evidence, TenantId tenant, IReadOnlyList<QueuedEntry> queue, int parts, CancellationToken cancellationToken)
    {
        var wanted = Wanted(queue);
        var length = Math.Max(SmallestPart, (wanted.Count + parts - 1) / parts);
        var divided = wanted.Chunk(length).Select(part => Task.Run(() => ExamineAsync(evidence, tenant, part, cancellationToken), cancellationToken));
        var examined = new Dictionary<string, ExaminedTrace>(wanted.Count, StringComparer.Ordinal);
        foreach (var (trace, result) in (await Task.WhenAll(divided).ConfigureAwait(false)).SelectMany(static part => part))
            examined.Add(trace, result);
        return examined;
    }

    /// <summary>The traces of a queue in its order, and whether their seals are queued, so that their steps are read.</summary>
    private static List<(string Trace, bool Steps)> Wanted(IReadOnlyList<QueuedEntry> queue)
    {
        var wanted = new OrderedDictionary<string, bool>(queue.Count, StringComparer.Ordinal);
        foreach (var entry in queue)
            wanted[entry.TraceId] = wanted.GetValueOrDefault(entry.TraceId) || entry.Kind is LogEntryKind.Sealed;
        return [.. wanted.Select(static each => (each.Key, each.Value))];
    }

    private static async Task<List<(string Trace, ExaminedTrace Result)>> ExamineAsync(
        IEvidenceStore evidence, TenantId tenant, (string Trace, bool Steps)[] wanted, CancellationToken cancellationToken)
    {
        var examined = new List<(string, ExaminedTrace)>(wanted.Length);
        var snapshot = await evidence.OpenAsync(tenant, cancellationToken).ConfigureAwait(false);
        await using (snapshot.ConfigureAwait(false))
        {
            await foreach (var found in snapshot.ReadEvidenceAsync(wanted, payloads: true, cancellationToken).ConfigureAwait(false))
                examined.Add((found.TraceId, await ExamineAsync(found, tenant, wanted[examined.Count].Steps, cancellationToken).ConfigureAwait(false)));
        }

        return examined;
    }

    private static async Task<ExaminedTrace> ExamineAsync(RecordedEvidence found, TenantId tenant, bool isSealed, CancellationToken cancellationToken)
    {
        if (found.Trace is not { } trace)
        {
            var missing = new Finding(FindingCodes.TraceMissing, "trace", "trace: is missing, though it was queued when it was recorded");
            return new ExaminedTrace(null, (null, missing), (null, missing));
        }

        // The first finding says where; a trace that someone filled with a million of them must not fill the memory.
        var options = new VerificationOptions { Tenant = tenant, MaxFindings = 1 };
        var opened = Opened(trace, options);
        var closed = isSealed ? await SealedAsync(trace, found.Steps, options, cancellationToken).ConfigureAwait(false) : default;
        return new ExaminedTrace(trace.RunId, opened, closed);
    }

    /// <summary>The trace as it was when it opened: its seal may have come since, and is no part of its opening.</summary>
    private static (string? Text, Finding? Finding) Opened(RecordedTrace trace, VerificationOptions options)
    {
        var opening = trace with { Status = "running", CompletedAt = null, ChainLength = null, StepsRoot = null, RootHash = null, Metadata = new RecordedPayload(null, null, null, Loaded: true) };
        var report = TraceVerifier.Verify(opening, [], options);
        if (report.Verdict.Status is VerificationStatus.Failed || !report.Checks.Any(check => check is { Name: "HEADER", Status: CheckStatus.Passed }))
            return (null, First(report));
        return (Text(new OpenedEntry
        {
            Format = TraceHeader.CurrentFormat,
            Kind = OpenedEntry.KindOpened,
            Link = new Digest(trace.HeaderLink!),
            RunId = RunId.Parse(trace.RunId),
            StartedAt = trace.StartedAt,
            TenantId = options.Tenant!.Value,
            TraceId = TraceId.Parse(trace.TraceId),
        }), null);
    }

    private static async Task<(string? Text, Finding? Finding)> SealedAsync(
        RecordedTrace trace, IAsyncEnumerable<RecordedStep> steps, VerificationOptions options, CancellationToken cancellationToken)
    {
        var verifier = TraceVerifier.Begin(trace, options);
        await foreach (var step in steps.WithCancellation(cancellationToken).ConfigureAwait(false))
            verifier.Add(step);
        var report = verifier.Finish();
        if (report.Verdict.Status is not VerificationStatus.Verified || !Wire.TryParse(trace.Status, out SealStatus status))
            return (null, First(report));
        return (Text(new SealedEntry
        {
            ChainLength = trace.ChainLength!.Value,
            CompletedAt = trace.CompletedAt!.Value,
            Format = TraceHeader.CurrentFormat,
            Kind = SealedEntry.KindSealed,
            RootHash = report.RecomputedRootHash!.Value,
            RunId = RunId.Parse(trace.RunId),
            Status = status,
            TenantId = options.Tenant!.Value,
            TraceId = TraceId.Parse(trace.TraceId),
        }), null);
    }

    private static Finding First(TraceReport report) =>
        report.Findings.Count > 0 ? report.Findings[0] : new Finding("NOT_VERIFIED", "trace", "trace: not everything that must be checked could be");

    private static string Text<T>(T entry)
        where T : ICanonical<T> => Encoding.UTF8.GetString(CanonicalBytes.Of(entry));
}
