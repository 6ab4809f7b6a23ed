using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Verification;
using RunProof.Witness;

namespace RunProof.Cli;

/// <summary>What a file was found to be about, and the report on it.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Report">The report.</param>
/// <param name="Subject">What it is about, in a few words: <c>run 89ce…</c>.</param>
/// <param name="Facts">What it says, by stable names; only what was verified is to be relied on.</param>
internal sealed record FileVerification(EvidenceKind Kind, FileReport Report, string Subject, IReadOnlyList<(string Name, JsonNode? Value)> Facts)
{
    /// <summary>Verifies a file.</summary>
    /// <param name="kind">What it is.</param>
    /// <param name="bytes">Its content.</param>
    /// <param name="entry">The entry of a tlog-proof.</param>
    /// <param name="options">What may be relied on.</param>
    internal static FileVerification Of(EvidenceKind kind, byte[] bytes, byte[]? entry, BundleOptions options) => kind switch
    {
        EvidenceKind.Bundle => OfBundle(bytes, options),
        EvidenceKind.Step => OfStep(bytes, options),
        EvidenceKind.Envelope => OfEnvelope(bytes, options),
        EvidenceKind.TlogProof => OfEntry(bytes, entry!, options),
        EvidenceKind.Checkpoint => OfCheckpoint(bytes, options),
        _ => OfFork(bytes, options),
    };

    private static FileVerification OfBundle(byte[] bytes, BundleOptions options)
    {
        var report = BundleVerifier.Verify(bytes, options);
        var bundle = report.Bundle;
        return new FileVerification(EvidenceKind.Bundle, report, bundle is null ? "a bundle" : $"run {bundle.Header.RunId}",
        [
            ("run_id", bundle?.Header.RunId.Value), ("trace_id", bundle?.Header.TraceId.Value), ("tenant_id", bundle?.Header.TenantId.Value), ("root_hash", bundle?.RootHash.ToString()),
            ("status", bundle is null ? null : Wire.Name(bundle.Seal.Status)), ("steps", bundle?.Steps.Count),
            ("payloads_verified", report.PayloadsVerified), ("payloads_not_shown", report.PayloadsNotShown),
        ]);
    }

    private static FileVerification OfStep(byte[] bytes, BundleOptions options)
    {
        var report = StepFileVerifier.Verify(bytes, options);
        var file = report.File;
        return new FileVerification(EvidenceKind.Step, report, file is null ? "a step file" : string.Create(CultureInfo.InvariantCulture, $"step {file.Step.StepIndex} of run {report.Entry?.RunId.Value ?? "(not named)"}"),
        [
            ("run_id", report.Entry?.RunId.Value), ("trace_id", report.Entry?.TraceId.Value), ("tenant_id", report.Entry?.TenantId.Value), ("root_hash", file?.RootHash.ToString()),
            ("step_index", file?.Step.StepIndex), ("steps", file?.Seal.ChainLength), ("skill", file?.Step.SkillName), ("step_status", file is null ? null : Wire.Name(file.Step.Status)),
            ("payloads_verified", report.PayloadsVerified), ("payloads_not_shown", report.PayloadsNotShown),
        ]);
    }

    private static FileVerification OfEnvelope(byte[] bytes, BundleOptions options)
    {
        using var document = Parse(bytes);
        if (!DsseEnvelope.TryParse(document.RootElement, out var envelope, out var problem))
            throw CommandException.Usage("this envelope cannot be read: " + problem);
        var report = StatementVerifier.Verify(envelope.PayloadType, envelope.Payload, SignersOf(envelope, options.TrustedKeys), options);
        var statement = report.Statement;
        return new FileVerification(EvidenceKind.Envelope, report, statement is null ? $"a {envelope.PayloadType}" : $"statement on run {statement.RunId}",
        [
            ("payload_type", envelope.PayloadType), ("run_id", statement?.RunId.Value), ("trace_id", statement?.TraceId.Value), ("tenant_id", statement?.TenantId.Value),
            ("root_hash", statement?.RootHash.ToString()), ("status", statement is null ? null : Wire.Name(statement.Seal.Status)), ("steps", statement?.Seal.ChainLength),
        ]);
    }

    /// <summary>Which of the trusted keys signed the envelope; what it says of its keys decides nothing.</summary>
    private static EnvelopeSigners SignersOf(DsseEnvelope envelope, IReadOnlyList<INoteVerifier> trusted)
    {
        try
        {
            return new EnvelopeSigners(envelope.SignersOf(trusted));
        }
        catch (PlatformNotSupportedException e)
        {
            return new EnvelopeSigners([], e.Message);
        }
    }

    private static FileVerification OfEntry(byte[] bytes, byte[] entry, BundleOptions options)
    {
        var report = LogFiles.VerifyEntry(Encoding.UTF8.GetString(bytes), entry, options);
        return new FileVerification(EvidenceKind.TlogProof, report, report.Index is { } index ? string.Create(CultureInfo.InvariantCulture, $"entry {index} of a log") : "an entry of a log",
            [("index", report.Index), ("trace_id", report.TraceId)]);
    }

    private static FileVerification OfCheckpoint(byte[] bytes, BundleOptions options)
    {
        var report = LogFiles.VerifyCheckpoint(bytes, options);
        var said = SignedNote.TryParse(bytes, out var note, out _) && Checkpoint.TryParse(note.Text, out var checkpoint, out _) ? checkpoint : null;
        return new FileVerification(EvidenceKind.Checkpoint, report, said is null ? "a checkpoint" : $"checkpoint of {said.Origin}",
            [("origin", said?.Origin), ("size", said?.Size), ("root", said is null ? null : Convert.ToBase64String(said.Root.Span))]);
    }

    private static FileVerification OfFork(byte[] bytes, BundleOptions options)
    {
        using var document = Parse(bytes);
        if (!ForkProof.TryParse(document.RootElement, out var proof, out var problem))
            return new FileVerification(EvidenceKind.ForkProof, LogFiles.MalformedFork(problem, options), "a fork proof", []);
        var report = LogFiles.VerifyFork(proof.Older, proof.Newer, proof.RootAtOlderSize, proof.Path, options);
        var forked = report.Verdict.Status is VerificationStatus.Verified;
        return new FileVerification(EvidenceKind.ForkProof, report, forked ? "fork proof: the log showed two histories" : "a fork proof", [("origin", report.Checkpoint?.Origin)]);
    }

    private static JsonDocument Parse(byte[] bytes)
    {
        try
        {
            return JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException)
        {
            throw CommandException.Usage("this file cannot be read: " + problem.Message);
        }
    }
}
