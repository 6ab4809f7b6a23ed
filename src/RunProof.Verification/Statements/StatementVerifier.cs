using System.Text.Json;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>What was found about a signed statement. Only <see cref="StatementVerifier"/> makes one.</summary>
public sealed class StatementReport : FileReport
{
    internal StatementReport(FileJudgement judgement)
        : base(judgement)
    {
    }

    /// <summary>The statement; null where it has not the form of one.</summary>
    public required RunStatement? Statement { get; init; }
}

/// <summary>How the signatures of an envelope came out. The envelope is its own library's: this one knows what was signed.</summary>
/// <param name="SignedBy">Trusted keys that signed; none where none did, or none was given.</param>
/// <param name="Problem">Why the signatures could not be verified on this machine; null where they could.</param>
public sealed record EnvelopeSigners(IReadOnlyList<NoteKey> SignedBy, string? Problem = null);

/// <summary>Verifies a statement on a trace: who signed it, that it agrees with itself, and that the trace is in the log. The trace itself is not in it.</summary>
public static class StatementVerifier
{
    private const string NoTrace = "a statement names the trace by its root_hash and does not hold it: verify its bundle too";

    /// <summary>Verifies a statement.</summary>
    /// <param name="payloadType">The envelope's payload type.</param>
    /// <param name="payload">The bytes that were signed.</param>
    /// <param name="signers">Who signed them.</param>
    /// <param name="options">What may be relied on; the same keys sign envelopes and checkpoints.</param>
    /// <returns>The report. An envelope around anything else than a statement of RunProof is UNSUPPORTED, whoever signed it.</returns>
    public static StatementReport Verify(string payloadType, ReadOnlyMemory<byte> payload, EnvelopeSigners signers, BundleOptions options)
    {
        ArgumentNullException.ThrowIfNull(signers);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxFindings, 1, nameof(options));
        var checks = new CheckList();
        var log = new FindingLog(checks, options.MaxFindings);
        checks.NotDone(EvidenceCheck.HashChain, NoTrace);
        JudgeSignature(signers, options, checks, log);
        if (!IsOurs(payloadType, payload, out var what))
        {
            checks.NotDone(EvidenceCheck.FileForm, what);
            log.Note(new Finding(FindingCodes.LogNotChecked, "payload", "payload: " + what));
            return new StatementReport(FileJudgement.Of(EvidenceChecks.RequiredForStatement, options, checks, log)) { Statement = null };
        }

        if (!BundleReader.TryRead<RunStatement>(payload, "payload", Read, out var statement, out var faults))
        {
            foreach (var fault in faults)
                log.Add(EvidenceCheck.FileForm, new Finding(FindingCodes.FileMalformed, fault.Place, $"{fault.Place}: {fault.Message}"));
            return new StatementReport(FileJudgement.Of(EvidenceChecks.RequiredForStatement, options, checks, log)) { Statement = null };
        }

        checks.Pass(EvidenceCheck.FileForm, "an in-toto statement on a trace, and its subject is the predicate's");
        if (new ChainHasher().Root(statement.LastLink, statement.Seal) == statement.RootHash)
            checks.Pass(EvidenceCheck.RootHash, "last_link and seal give root_hash");
        else
            log.Add(EvidenceCheck.RootHash, new Finding(FindingCodes.RootHashMismatch, "predicate.root_hash", "predicate.root_hash: does not follow from last_link and seal"));
        var trace = new LoggedTrace(statement.Seal, statement.RootHash) { RunId = statement.RunId, TraceId = statement.TraceId, TenantId = statement.TenantId };
        var judge = new LogJudge(trace, options, checks, log);
        judge.Judge(statement.Log);
        // A key of another log may be trusted too, and has no say about this one.
        if (judge.Checkpoint is { } head && signers.SignedBy.Count > 0 && !signers.SignedBy.Any(key => key.Name == head.Origin))
            log.Add(EvidenceCheck.EnvelopeSignature, new Finding(FindingCodes.EnvelopeRefused, "signatures", $"signatures: none is by a key of {head.Origin}, the log that the statement is about"));
        return new StatementReport(FileJudgement.Of(EvidenceChecks.RequiredForStatement, options, checks, log, judge)) { Statement = statement };
    }

    /// <summary>Reads a statement, and judges nothing but its form.</summary>
    /// <param name="payloadType">The envelope's payload type.</param>
    /// <param name="payload">The bytes that were signed.</param>
    /// <returns>The statement; null where it is none of RunProof's.</returns>
    public static RunStatement? Read(string payloadType, ReadOnlyMemory<byte> payload) =>
        IsOurs(payloadType, payload, out _) && BundleReader.TryRead<RunStatement>(payload, "payload", Read, out var statement, out _) ? statement : null;

    private static void JudgeSignature(EnvelopeSigners signers, BundleOptions options, CheckList checks, FindingLog log)
    {
        if (signers.SignedBy.Count > 0)
            checks.Pass(EvidenceCheck.EnvelopeSignature, "signed by " + string.Join(", ", signers.SignedBy.Select(static key => $"{key.Name} with the given key {key.Id:x8}")));
        else if (signers.Problem is not null)
            checks.NotDone(EvidenceCheck.EnvelopeSignature, signers.Problem);
        else if (options.TrustedKeys.Count == 0)
            checks.NotDone(EvidenceCheck.EnvelopeSignature, "no key of the log was given");
        else
            log.Add(EvidenceCheck.EnvelopeSignature, new Finding(FindingCodes.EnvelopeRefused, "signatures", "signatures: none is by a known key"));
    }

    private static bool IsOurs(string payloadType, ReadOnlyMemory<byte> payload, out string what)
    {
        what = $"the payload is of type {payloadType}, about which nothing is known here";
        if (payloadType != RunStatement.PayloadType)
            return false;
        what = "the payload is no statement with a predicate that is known here";
        try
        {
            using var document = JsonDocument.Parse(payload, new JsonDocumentOptions { MaxDepth = 16 });
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("predicateType", out var type) && type.ValueKind == JsonValueKind.String && type.ValueEquals(RunStatement.PredicateType);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // No JSON, or a member's name is an escaped lone surrogate.
            return false;
        }
    }

    private static RunStatement? Read(BundleReader reader, JsonElement json)
    {
        if (!reader.HasMembers(json, "payload", ["_type", "predicate", "predicateType", "subject"]))
            return null;
        if (reader.Text(json, "_type", "_type") is { } type && type != RunStatement.StatementType)
            reader.Refuse("_type", $"is \"{type}\", which is not known here");
        var predicate = json.GetProperty("predicate");
        if (!reader.HasMembers(predicate, "predicate", ["format", "last_link", "log", "root_hash", "run_id", "seal", "tenant_id", "trace_id"]))
            return null;
        if (reader.Text(predicate, "format", "predicate.format") is { } format && format != TraceHeader.CurrentFormat)
            reader.Refuse("predicate.format", $"is \"{format}\", which is not known here");
        var (last, root) = (reader.Hash(predicate.GetProperty("last_link"), "predicate.last_link"), reader.Hash(predicate.GetProperty("root_hash"), "predicate.root_hash"));
        var seal = reader.Record<TraceSeal>(predicate.GetProperty("seal"), "predicate.seal");
        var log = reader.Log(predicate.GetProperty("log"));
        if (predicate.GetProperty("log").ValueKind == JsonValueKind.Null)
            reader.Refuse("predicate.log", "is null: a statement is about a trace that is in the log");
        var run = Identity<RunId>(reader, predicate, "run_id");
        var trace = Identity<TraceId>(reader, predicate, "trace_id");
        var tenant = Identity<TenantId>(reader, predicate, "tenant_id");
        JudgeSubject(reader, json.GetProperty("subject"), root, trace);
        return last is null || root is null || seal is null || log is null ? null : new RunStatement(run, trace, tenant, seal, last.Value, root.Value, log);
    }

    private static T Identity<T>(BundleReader reader, JsonElement predicate, string name)
        where T : struct, IWireText<T>
    {
        var text = reader.Text(predicate, name, "predicate." + name);
        if (!T.TryParse(text, out var value) && text is not null)
            reader.Refuse("predicate." + name, "is no identity");
        return value;
    }

    /// <summary>The one subject is the predicate's trace; subjects match by digest alone.</summary>
    private static void JudgeSubject(BundleReader reader, JsonElement subjects, Digest? root, TraceId trace)
    {
        if (subjects.ValueKind != JsonValueKind.Array || subjects.GetArrayLength() != 1)
        {
            reader.Refuse("subject", "is not one subject");
            return;
        }

        var subject = subjects[0];
        if (!reader.HasMembers(subject, "subject[0]", ["digest", "name"]) || !reader.HasMembers(subject.GetProperty("digest"), "subject[0].digest", ["sha256"]))
            return;
        if (reader.Hash(subject.GetProperty("digest").GetProperty("sha256"), "subject[0].digest.sha256") is { } digest && root is not null && digest != root)
            reader.Refuse("subject[0].digest.sha256", "is not the predicate's root_hash");
        if (reader.Text(subject, "name", "subject[0].name") is { } name && name != trace.Value)
            reader.Refuse("subject[0].name", "is not the predicate's trace_id");
    }
}
