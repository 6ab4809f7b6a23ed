using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>
/// The first step of a run that waits for its trace's opening to be in the tenant's log holds the proof of it: the entry's path to a signed checkpoint. The entry is
/// recomputed from the header, so the step was recorded after the log had signed a tree with this very opening in it; no clock is asked.
/// </summary>
internal sealed class OpeningJudge
{
    private const string Asks = "await_log_opening";
    private const string Proves = "log_opening";

    // Null where the trace's context is withheld or erased.
    private readonly bool? _asks;
    private TlogProof? _proof;
    private string? _notDone;
    private bool _hasStep;

    /// <summary>Reads what the trace says of it.</summary>
    /// <param name="context">The context of the trace.</param>
    internal OpeningJudge(RecordedPayload context)
    {
        if (context.Commitment is null)
            _asks = false;
        else if (IsHeld(context))
            _asks = Read(context.Text!, Asks, static member => member.ValueKind is JsonValueKind.True, out var asks) && asks;
    }

    /// <summary>Judges the first step.</summary>
    internal void Judge(RecordedStep step, Place place, TraceHeader? header, List<Judged> findings)
    {
        if (step.StepIndex != 0 || _hasStep)
            return;
        _hasStep = true;
        if (_asks is false && step.Context.Text?.Contains(Proves, StringComparison.Ordinal) is not true)
            return;
        if (!IsHeld(step.Context))
        {
            _notDone = "the first step's context, which has the proof, is withheld or erased";
            return;
        }

        if (!Read(step.Context.Text!, Proves, static member => member.ValueKind is JsonValueKind.String ? member.GetString() : null, out var text) || text is null)
            Missing(step, place.At("context"), findings);
        else
            Judge(text, place.At("context"), header, findings);
    }

    private void Missing(RecordedStep step, Place place, List<Judged> findings)
    {
        if (_asks is not true)
            return;
        // A process that died took the proof with it: the step had begun, and that is all that is known.
        if (step.Status is "interrupted")
            _notDone = "the first step was interrupted by a crash, which hid the proof too";
        else
            findings.Add(Wrong(place, "proves nothing of the log, though the run waits for its opening to be in it"));
    }

    private void Judge(string text, Place place, TraceHeader? header, List<Judged> findings)
    {
        if (!TlogProof.TryParse(text, out var proof, out var problem) || !Checkpoint.TryParse(proof.Checkpoint.Text, out var head, out problem))
            findings.Add(Wrong(place, "has a proof of the opening that cannot be read: " + problem));
        else if (header is null)
            _notDone = "the header could not be recomputed";
        else if (!head.Origin.EndsWith("/" + header.TenantId.Value, StringComparison.Ordinal))
            findings.Add(Wrong(place, $"has a proof of the opening from another tenant's log, {head.Origin}"));
        else if (!SignedHead.Covers(head, proof.Index, CanonicalBytes.Of(OpenedEntry.Of(header, new ChainHasher().Link(header))), proof.Path))
            findings.Add(Wrong(place, "has a proof that is not of this trace's opening: its path does not lead from it to the root"));
        else
            _proof = proof;
    }

    /// <summary>Holds the proof against the log as it is now, and says what came of it.</summary>
    /// <param name="evidence">What the tenant's log says of the trace; null where no log is at hand.</param>
    /// <param name="keys">The log's keys.</param>
    /// <param name="checks">Where it is said.</param>
    /// <param name="log">Where what is wrong is said.</param>
    internal void Conclude(LogEvidence? evidence, IReadOnlyList<INoteVerifier> keys, CheckList checks, FindingLog log)
    {
        if (_proof is not { } proof)
        {
            if (_asks is true && !_hasStep)
                checks.Pass(EvidenceCheck.OpeningAwaited, "no step was recorded");
            else if (_notDone is { } why && _asks is not false)
                checks.NotDone(EvidenceCheck.OpeningAwaited, why);
            return;
        }

        var place = Place.Step(0).At("context");
        var known = keys.Concat(evidence?.Keys ?? []).DistinctBy(static key => key.Key.ToString()).ToList();
        if (evidence?.Opened is { } entry && entry.Position != proof.Index)
            log.Add(EvidenceCheck.OpeningAwaited, place.Finding(FindingCodes.OpeningNotProven, string.Create(CultureInfo.InvariantCulture, $"proves that the opening is entry {proof.Index} of the log, but it is entry {entry.Position}")));
        else
            Conclude(proof, known, checks, log, place);
    }

    private static void Conclude(TlogProof proof, IReadOnlyList<INoteVerifier> keys, CheckList checks, FindingLog log, Place place)
    {
        var note = proof.Checkpoint;
        var isKnown = keys.Any(key => note.Signatures.Any(line => line.KeyId == key.Key.Id && line.Name == key.Key.Name));
        try
        {
            if (!isKnown)
                checks.NotDone(EvidenceCheck.OpeningAwaited, "the first step proves that the opening was in a tree of the log before; the key that signed that tree is not at hand");
            else if (!SignedHead.TryJudge(note, keys, tenant: null, out var head, out var problem))
                log.Add(EvidenceCheck.OpeningAwaited, place.Finding(FindingCodes.OpeningNotProven, "has a proof of the opening whose checkpoint is not the log's: " + problem));
            else
                checks.Pass(EvidenceCheck.OpeningAwaited, string.Create(CultureInfo.InvariantCulture, $"the first step was recorded after {head.Checkpoint.Origin} had signed a tree of {head.Checkpoint.Size} entries with this trace's opening as entry {proof.Index}"));
        }
        catch (PlatformNotSupportedException e)
        {
            checks.NotDone(EvidenceCheck.OpeningAwaited, e.Message);
        }
    }

    private static Judged Wrong(Place place, string said) => new(EvidenceCheck.OpeningAwaited, place.Finding(FindingCodes.OpeningNotProven, said));

    private static bool IsHeld(RecordedPayload payload) => PayloadJudge.CommitmentOf(payload) is { } held && held.Span.SequenceEqual(payload.Commitment);

    private static bool Read<T>(string context, string name, Func<JsonElement, T> take, [MaybeNullWhen(false)] out T found)
    {
        found = default;
        try
        {
            using var document = JsonDocument.Parse(context, new JsonDocumentOptions { MaxDepth = Canonicalizer.MaxDepth + 2 });
            if (document.RootElement.ValueKind is not JsonValueKind.Object || !document.RootElement.TryGetProperty(name, out var member))
                return false;
            found = take(member);
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // No JSON, or an escaped lone surrogate: nothing that a runner of ours wrote.
            return false;
        }
    }
}
