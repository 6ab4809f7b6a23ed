using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>What was found about a step that is shown alone. Only <see cref="StepFileVerifier"/> makes one.</summary>
public sealed class StepReport : FileReport
{
    internal StepReport(FileJudgement judgement)
        : base(judgement)
    {
    }

    /// <summary>The file; null where it has not the form of one.</summary>
    public required StepDisclosure? File { get; init; }

    /// <summary>The run, as the log's entry names it; null where there is no entry.</summary>
    public required SealedEntry? Entry { get; init; }

    /// <summary>Payloads that were found to match their commitments.</summary>
    public required long PayloadsVerified { get; init; }

    /// <summary>Commitments of the step and the seal of which no payload is shown.</summary>
    public required long PayloadsNotShown { get; init; }
}

/// <summary>
/// Verifies one step that is shown without the others: that it is a step of the trace whose root_hash the log holds. Bytes of any kind give findings, never
/// an exception.
/// </summary>
public static class StepFileVerifier
{
    private const string OneStep = "one step is shown: the chain of the others was not recomputed, they are hashes here";
    private const string NoHeader = "a step file has no header: only the whole chain binds it";
    private const string NoOpenedEntry = "a step file does not hold it: whoever audits the whole log pairs the entries";
    private static readonly string[] FileMembers = ["format", "last_link", "log", "payloads", "previous_link", "root_hash", "seal", "step", "steps_path"];

    /// <summary>Reads a step file in any layout of JSON.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="file">Its content, where its form is right. Nothing in it has been verified.</param>
    /// <param name="faults">What is wrong, where it is not; at least one.</param>
    /// <returns>Whether the form is right.</returns>
    public static bool TryRead(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out StepDisclosure? file, out IReadOnlyList<BundleFault> faults) =>
        BundleReader.TryRead(bytes, "file", Read, out file, out faults);

    /// <summary>Verifies a step file.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="options">What may be relied on.</param>
    /// <returns>The report.</returns>
    public static StepReport Verify(ReadOnlyMemory<byte> bytes, BundleOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxFindings, 1, nameof(options));
        var checks = new CheckList();
        var log = new FindingLog(checks, options.MaxFindings);
        checks.NotDone(EvidenceCheck.Header, NoHeader);
        checks.NotDone(EvidenceCheck.HashChain, OneStep);
        checks.NotDone(EvidenceCheck.OpenedEntry, NoOpenedEntry);
        if (!TryRead(bytes, out var file, out var faults))
        {
            foreach (var fault in faults)
                log.Add(EvidenceCheck.FileForm, new Finding(FindingCodes.FileMalformed, fault.Place, $"{fault.Place}: {fault.Message}"));
            return new StepReport(FileJudgement.Of(EvidenceChecks.RequiredForStep, options, checks, log)) { File = null, Entry = null, PayloadsVerified = 0, PayloadsNotShown = 0 };
        }

        checks.Pass(EvidenceCheck.FileForm, "every member set is the format's");
        JudgeLevel(file.Step, checks, log);
        var payloads = JudgePayloads(file, options, checks, log);
        JudgeInclusion(file, checks, log);
        JudgeRoot(file, checks, log);
        var judge = new LogJudge(new LoggedTrace(file.Seal, file.RootHash), options, checks, log);
        judge.Judge(file.Log);
        return new StepReport(FileJudgement.Of(EvidenceChecks.RequiredForStep, options, checks, log, judge))
        {
            File = file,
            Entry = judge.Entry,
            PayloadsVerified = payloads.Verified,
            PayloadsNotShown = payloads.ErasedCount,
        };
    }

    private static StepDisclosure? Read(BundleReader reader, JsonElement json)
    {
        if (!reader.HasMembers(json, "file", FileMembers))
            return null;
        reader.Format(json, StepDisclosure.CurrentFormat);
        var step = reader.Record<TraceStep>(json.GetProperty("step"), "step");
        var seal = reader.Record<TraceSeal>(json.GetProperty("seal"), "seal");
        var path = reader.Items(json, "steps_path", static (inner, item, place) => inner.Hash(item, place));
        var (last, previous, root) = (reader.Hash(json.GetProperty("last_link"), "last_link"), reader.Hash(json.GetProperty("previous_link"), "previous_link"), reader.Hash(json.GetProperty("root_hash"), "root_hash"));
        var payloads = reader.Payloads(json.GetProperty("payloads"));
        var log = reader.Log(json.GetProperty("log"));
        if (step is null || seal is null || last is null || previous is null || root is null || path.Contains(null))
            return null;
        return new StepDisclosure
        {
            LastLink = last.Value,
            Log = log,
            Payloads = payloads,
            PreviousLink = previous.Value,
            RootHash = root.Value,
            Seal = seal,
            Step = step,
            StepsPath = [.. path.Select(static hash => hash!.Value)],
        };
    }

    private static void JudgeLevel(TraceStep step, CheckList checks, FindingLog log)
    {
        if (step.Level == Wire.LevelOf(step.Status))
            checks.Pass(EvidenceCheck.Levels, "the level is the function of the status");
        else
            Fail(log, EvidenceCheck.Levels, FindingCodes.LevelMismatch, "step.level", "does not follow from status");
    }

    private static PayloadJudge JudgePayloads(StepDisclosure file, BundleOptions options, CheckList checks, FindingLog log)
    {
        var judge = new PayloadJudge(0);
        var known = StepDisclosure.Commitments(file.Step, file.Seal);
        foreach (var stranger in file.Payloads.Keys.Where(commitment => !known.Contains(commitment)).OrderBy(static commitment => commitment.ToString(), StringComparer.Ordinal))
            Fail(log, EvidenceCheck.Payloads, FindingCodes.PayloadUnknown, $"payloads[{stranger}]", "belongs neither to the step nor to the seal");
        var findings = new List<Judged>();
        var place = new Place("step", "step", null);
        judge.Judge(Payload(file, options, file.Step.InputHash), place, PayloadColumns.Input, findings);
        judge.Judge(Payload(file, options, file.Step.OutputHash), place, PayloadColumns.Output, findings);
        judge.Judge(Payload(file, options, file.Step.ContextHash), place, PayloadColumns.Context, findings);
        judge.Judge(Payload(file, options, file.Seal.MetadataHash), Place.Seal, PayloadColumns.Metadata, findings);
        log.Add(findings);
        checks.Pass(EvidenceCheck.Payloads, string.Create(CultureInfo.InvariantCulture, $"{judge.Verified} shown and matching, {judge.ErasedCount} withheld or erased"));
        return judge;
    }

    private static RecordedPayload Payload(StepDisclosure file, BundleOptions options, Digest? commitment)
    {
        if (commitment is not { } digest)
            return new RecordedPayload(null, null, null, Loaded: true);
        var shown = file.Payloads.GetValueOrDefault(digest) ?? options.Withheld(digest);
        return new RecordedPayload(digest.ToArray(), shown?.Salt.ToArray(), shown?.Text, Loaded: true);
    }

    /// <summary>The step's link follows from the link before it and its bytes, and its path leads to the seal's steps_root.</summary>
    private static void JudgeInclusion(StepDisclosure file, CheckList checks, FindingLog log)
    {
        var (index, count) = (file.Step.StepIndex, file.Seal.ChainLength);
        var link = new ChainHasher().Link(file.PreviousLink, file.Step);
        if (index < 0 || index >= count)
            Fail(log, EvidenceCheck.StepInclusion, FindingCodes.StepAfterSeal, "step.step_index", string.Create(CultureInfo.InvariantCulture, $"is {index}, and the seal counts {count} steps"));
        else if (!MerkleProofs.VerifyInclusion((ulong)index, (ulong)count, MerkleTree.LeafHash(link.Span), [.. file.StepsPath], file.Seal.StepsRoot))
            Fail(log, EvidenceCheck.StepInclusion, FindingCodes.InclusionMismatch, "step", "with the link before it and its path does not lead to the seal's steps_root");
        else if (index == count - 1 && link != file.LastLink)
            Fail(log, EvidenceCheck.StepInclusion, FindingCodes.LinkChanged, "last_link", "is not the link of the step, which is the last one");
        else
            checks.Pass(EvidenceCheck.StepInclusion, string.Create(CultureInfo.InvariantCulture, $"the step is number {index} of the {count} that steps_root commits to"));
    }

    private static void JudgeRoot(StepDisclosure file, CheckList checks, FindingLog log)
    {
        if (new ChainHasher().Root(file.LastLink, file.Seal) == file.RootHash)
            checks.Pass(EvidenceCheck.RootHash, "last_link and seal give root_hash");
        else
            Fail(log, EvidenceCheck.RootHash, FindingCodes.RootHashMismatch, "root_hash", "does not follow from last_link and seal");
    }

    private static void Fail(FindingLog log, EvidenceCheck check, string code, string place, string said) => log.Add(check, new Finding(code, place, $"{place}: {said}"));
}
