using System.Globalization;
using System.Text;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>Revealed payloads against the shapes that their steps name. What does not match its commitment is the payload judge's, and is not looked at here.</summary>
internal sealed class SchemaJudge(IPayloadSchemas schemas)
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly HashSet<Digest> _unknown = [];
    private long _conforming;
    private long _redacted;

    internal void Judge(RecordedStep step, Place place, List<Judged> findings)
    {
        if (step.Schema is not { Length: Digest.Length } recorded)
            return;
        var schema = new Digest(recorded);
        // A step that failed may have failed because its parameters fit no shape, and they are recorded as they came; and it may have no outcome.
        var succeeded = Wire.TryParse(step.Status, out StepStatus status) && status is StepStatus.Succeeded;
        if (succeeded)
            Judge(step, schema, StepPayload.Parameters, step.Input, place.At(PayloadColumns.Input.Text), findings);
        if (succeeded || step.Output.Text != "null")
            Judge(step, schema, StepPayload.Outcome, step.Output, place.At(PayloadColumns.Output.Text), findings);
    }

    internal void Conclude(CheckList checks)
    {
        var conforming = Count(_conforming, "payload conforms", "payloads conform") + " to the schemas of their steps";
        if (_unknown.Count == 0 && _redacted == 0)
            checks.Pass(EvidenceCheck.PayloadSchema, conforming);
        else
            checks.NotDone(EvidenceCheck.PayloadSchema, $"{conforming}; {Count(_unknown.Count, "schema is", "schemas are")} not known here, {Count(_redacted, "payload is", "payloads are")} redacted or may be");
    }

    private void Judge(RecordedStep step, Digest schema, StepPayload which, RecordedPayload payload, Place place, List<Judged> findings)
    {
        if (payload.Commitment is not { } commitment || PayloadJudge.CommitmentOf(payload) is not { } held || !held.Span.SequenceEqual(commitment))
            return;
        if (MayBeRedacted(step.Context, which))
        {
            _redacted++;
            return;
        }

        switch (schemas.Judge(schema, which, Strict.GetBytes(payload.Text!), out var fault))
        {
            case PayloadConformance.Conforms:
                _conforming++;
                break;
            case PayloadConformance.Refused:
                findings.Add(new Judged(EvidenceCheck.PayloadSchema, place.Finding(
                    FindingCodes.PayloadSchemaMismatch, string.Create(CultureInfo.InvariantCulture, $"does not conform to the schema that the step names: byte {fault.Offset}, {fault.Message}"))));
                break;
            default:
                _unknown.Add(schema);
                break;
        }
    }

    /// <summary>What redaction removed is noted in the step's context; where that is not revealed, nobody can tell.</summary>
    private static bool MayBeRedacted(RecordedPayload context, StepPayload which)
    {
        if (context.Commitment is null)
            return false;
        if (context.Text is not { } text)
            return true;
        try
        {
            using var json = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = Canonicalizer.MaxDepth + 2 });
            return json.RootElement.ValueKind is JsonValueKind.Object
                && json.RootElement.TryGetProperty("redactions", out var notes)
                && notes.ValueKind is JsonValueKind.Array
                && notes.EnumerateArray().Any(note => IsAbout(note, which is StepPayload.Parameters ? PayloadColumns.Input.Text : PayloadColumns.Output.Text));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // No JSON, or a member's name is an escaped lone surrogate: no note of ours.
            return false;
        }
    }

    private static bool IsAbout(JsonElement note, string column) =>
        note.ValueKind is JsonValueKind.Object && note.TryGetProperty("place", out var place) && place.ValueKind is JsonValueKind.String
        && Begins(place, column);

    private static bool Begins(JsonElement place, string column)
    {
        // Text of evidence may hold an escaped lone surrogate, which is no string of ours.
        try
        {
            return place.GetString()!.StartsWith(column, StringComparison.Ordinal);
        }
        catch (InvalidOperationException)
        {
            return true;
        }
    }

    private static string Count(long count, string one, string many) => string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? one : many)}");
}
