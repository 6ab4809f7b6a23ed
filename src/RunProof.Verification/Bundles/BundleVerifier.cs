using System.Globalization;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>
/// Verifies a bundle with nothing but it and the log's key (proof-format.md section 5): no database, no network. Bytes of any kind give findings, never an
/// exception.
/// </summary>
public static class BundleVerifier
{
    private const string NoOpenedEntry = "a bundle does not hold it: whoever audits the whole log pairs the entries";

    /// <summary>Verifies a bundle.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="options">What may be relied on.</param>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="BundleOptions.MaxFindings"/> is less than 1.</exception>
    /// <returns>The report.</returns>
    public static BundleReport Verify(ReadOnlyMemory<byte> bytes, BundleOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxFindings, 1, nameof(options));
        var checks = new CheckList();
        var log = new FindingLog(checks, options.MaxFindings);
        if (!BundleReader.TryRead(bytes, out var bundle, out var faults))
            return Malformed(faults, options, checks, log);

        // 1. The trace, by the same judge as the columns of a store.
        checks.Pass(EvidenceCheck.BundleForm, "every member set is the format's");
        var known = BundledTrace.Commitments(bundle);
        var shown = WithWithheld(bundle, known, options);
        var trace = TraceVerifier.Verify(BundledTrace.Header(shown), BundledTrace.Steps(shown), new VerificationOptions { MaxFindings = options.MaxFindings, LogKeys = options.TrustedKeys });
        checks.Take(trace.Checks.Where(static check => check.Kind is not EvidenceCheck.LogInclusion));
        foreach (var finding in trace.Findings)
            log.Note(finding);
        JudgeLinks(bundle, log);

        // 2. What it shows, and nothing else.
        foreach (var stranger in bundle.Payloads.Keys.Where(commitment => !known.Contains(commitment)).OrderBy(static commitment => commitment.ToString(), StringComparer.Ordinal))
            log.Add(EvidenceCheck.Payloads, new Finding(FindingCodes.PayloadUnknown, $"payloads[{stranger}]", $"payloads[{stranger}]: belongs to no step"));

        // 3. Its place in the log.
        checks.NotDone(EvidenceCheck.OpenedEntry, NoOpenedEntry);
        var judge = new LogJudge(LoggedTrace.Of(bundle), options, checks, log);
        judge.Judge(bundle.Log);
        return new BundleReport(FileJudgement.Of(EvidenceChecks.RequiredForBundle, options, checks, log, judge, trace.FindingsOmitted))
        {
            Bundle = bundle,
            PayloadsVerified = trace.PayloadsVerified,
            PayloadsNotShown = trace.ErasedPayloadCount,
        };
    }

    /// <summary>The bundle with what it withholds and the caller has; what it shows itself stays.</summary>
    private static ProofBundle WithWithheld(ProofBundle bundle, HashSet<Digest> known, BundleOptions options)
    {
        var given = known.Where(commitment => !bundle.Payloads.ContainsKey(commitment)).Select(commitment => (commitment, Payload: options.Withheld(commitment)))
            .Where(static found => found.Payload is not null).ToDictionary(static found => found.commitment, static found => found.Payload!);
        return given.Count == 0 ? bundle : bundle with { Payloads = bundle.Payloads.Concat(given).ToDictionary() };
    }

    /// <summary>The recorded links prove nothing that root_hash does not, but a bundle has one for the header and one for each step.</summary>
    private static void JudgeLinks(ProofBundle bundle, FindingLog log)
    {
        if (bundle.Links.Count == bundle.Steps.Count + 1)
            return;
        var said = string.Create(CultureInfo.InvariantCulture, $"links: {bundle.Links.Count}, and there are the header and {bundle.Steps.Count} steps");
        log.Add(EvidenceCheck.HashChain, new Finding(FindingCodes.LinkChanged, "links", said));
    }

    private static BundleReport Malformed(IReadOnlyList<BundleFault> faults, BundleOptions options, CheckList checks, FindingLog log)
    {
        foreach (var fault in faults)
            log.Add(EvidenceCheck.BundleForm, new Finding(FindingCodes.BundleMalformed, fault.Place, $"{fault.Place}: {fault.Message}"));
        return new BundleReport(FileJudgement.Of(EvidenceChecks.RequiredForBundle, options, checks, log)) { Bundle = null, PayloadsVerified = 0, PayloadsNotShown = 0 };
    }
}
