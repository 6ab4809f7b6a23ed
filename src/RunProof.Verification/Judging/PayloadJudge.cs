using System.Buffers;
using System.Globalization;
using System.Text;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>The columns of one payload.</summary>
internal readonly record struct PayloadColumns(string Text, string Salt, string Hash, bool IsRequired)
{
    internal static readonly PayloadColumns Goal = new("goal", "goal_salt", "goal_hash", true);
    internal static readonly PayloadColumns Plan = new("plan", "plan_salt", "plan_hash", true);
    internal static readonly PayloadColumns Context = new("context", "context_salt", "context_hash", false);
    internal static readonly PayloadColumns Metadata = new("metadata", "metadata_salt", "metadata_hash", false);
    internal static readonly PayloadColumns Input = new("params", "params_salt", "input_hash", true);
    internal static readonly PayloadColumns Output = new("outcome_data", "outcome_salt", "output_hash", false);
}

/// <summary>Payload texts against their commitments (proof-format.md section 2).</summary>
internal sealed class PayloadJudge(int maxErased)
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly List<string> _erased = [];

    internal long Verified { get; private set; }

    internal long ErasedCount { get; private set; }

    internal long NotRead { get; private set; }

    internal IReadOnlyList<string> Erased => _erased;

    internal void Judge(RecordedPayload payload, Place place, PayloadColumns columns, List<Judged> findings)
    {
        if (payload.Commitment is null)
        {
            // A missing commitment that must be there was found when the record was rebuilt.
            if (payload.Salt is not null || payload.Text is not null)
                Add(findings, place.At(columns.Hash), FindingCodes.PayloadIncomplete, "is missing, but its salt or text is there");
        }
        else if (!payload.Loaded)
        {
            NotRead++;
        }
        else if (payload.Salt is null && payload.Text is null)
        {
            Erase(place.At(columns.Text));
        }
        else if (payload.Salt is null || payload.Text is null)
        {
            var missing = payload.Salt is null ? columns.Salt : columns.Text;
            Add(findings, place.At(missing), FindingCodes.PayloadIncomplete, "is missing, but its counterpart is there: an erasure takes salt and text together");
        }
        else
        {
            Compare(payload.Commitment, payload.Salt, payload.Text, place, columns, findings);
        }
    }

    /// <summary>The commitment that salt and text give; null where they give none.</summary>
    internal static Digest? CommitmentOf(RecordedPayload payload)
    {
        if (payload is not { Salt: { Length: Commitment.SaltLength } salt, Text: { } text })
            return null;
        var buffer = ArrayPool<byte>.Shared.Rent(Strict.GetMaxByteCount(text.Length));
        try
        {
            return Commitment.To(salt, buffer.AsSpan(0, Strict.GetBytes(text, buffer)));
        }
        catch (EncoderFallbackException)
        {
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Compare(byte[] commitment, byte[] salt, string text, Place place, PayloadColumns columns, List<Judged> findings)
    {
        if (salt.Length != Commitment.SaltLength)
            Add(findings, place.At(columns.Salt), FindingCodes.ValueOutOfRange, string.Create(CultureInfo.InvariantCulture, $"has {salt.Length} bytes, not {Commitment.SaltLength}"));
        else if (CommitmentOf(new RecordedPayload(commitment, salt, text, Loaded: true)) is not { } recomputed)
            Add(findings, place.At(columns.Text), FindingCodes.ValueOutOfRange, "is not well-formed text");
        else if (!recomputed.Span.SequenceEqual(commitment))
            Add(findings, place.At(columns.Text), FindingCodes.PayloadMismatch, "does not match its commitment");
        else
            Verified++;
    }

    private void Erase(Place place)
    {
        if (ErasedCount++ < maxErased)
            _erased.Add(place.ToString());
    }

    private static void Add(List<Judged> findings, Place place, string code, string said) =>
        findings.Add(new Judged(EvidenceCheck.Payloads, place.Finding(code, said)));
}
