using System.Globalization;
using System.Text;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>A finding and the check that it fails.</summary>
internal readonly record struct Judged(EvidenceCheck Check, Finding Finding);

/// <summary>Takes the columns of one record as values of the format. What is no such value becomes a finding and leaves the record not whole.</summary>
internal sealed class ColumnReader(Place place, EvidenceCheck check, List<Judged> findings)
{
    private const int QuotedLength = 60;

    /// <summary>Whether every column so far is a value of the format.</summary>
    internal bool IsWhole { get; private set; } = true;

    internal T Identity<T>(string column, string? text)
        where T : struct, IWireText<T>
    {
        if (!T.TryParse(text, out var value))
            Refuse(column, FindingCodes.ValueOutOfRange, text is null ? "is missing" : $"is {Quote(text)}, which is not well-formed");
        return value;
    }

    internal T? OptionalIdentity<T>(string column, string? text)
        where T : struct, IWireText<T> => text is null ? null : Identity<T>(column, text);

    internal string Text(string column, string? text)
    {
        if (text is null)
            Refuse(column, FindingCodes.ValueMissing, "is missing");
        return OptionalText(column, text) ?? "";
    }

    internal string? OptionalText(string column, string? text)
    {
        if (text is not null && !IsWellFormed(text))
            Refuse(column, FindingCodes.ValueOutOfRange, "holds a lone surrogate, which has no canonical form");
        return text;
    }

    internal bool Boolean(string column, bool? value)
    {
        if (value is null)
            Refuse(column, FindingCodes.ValueMissing, "is missing");
        return value ?? false;
    }

    internal DateTimeOffset Time(string column, DateTimeOffset? time)
    {
        if (time is not { } value)
        {
            Refuse(column, FindingCodes.ValueMissing, "is missing");
            return default;
        }

        if (value.Ticks % TimeSpan.TicksPerMicrosecond != 0)
            Refuse(column, FindingCodes.ValueOutOfRange, "is not a time in whole microseconds");
        return value;
    }

    internal DateTimeOffset? OptionalTime(string column, DateTimeOffset? time) => time is null ? null : Time(column, time);

    internal Digest Digest(string column, byte[]? bytes, string code = FindingCodes.ValueMissing)
    {
        if (bytes is null)
            Refuse(column, code, "is missing");
        return OptionalDigest(column, bytes) ?? default;
    }

    internal Digest? OptionalDigest(string column, byte[]? bytes)
    {
        if (bytes is null)
            return null;
        if (bytes.Length == Format.Digest.Length)
            return new Digest(bytes);
        Refuse(column, FindingCodes.ValueOutOfRange, string.Create(CultureInfo.InvariantCulture, $"has {bytes.Length} bytes, not {Format.Digest.Length}"));
        return null;
    }

    internal SafeInteger SafeInteger(string column, long? number)
    {
        if (number is >= -Format.SafeInteger.MaxValue and <= Format.SafeInteger.MaxValue)
            return new SafeInteger(number.Value);
        Refuse(column, number is null ? FindingCodes.ValueMissing : FindingCodes.ValueOutOfRange, number is null ? "is missing" : "lies beyond ±(2^53 − 1)");
        return default;
    }

    /// <summary>−0 is refused although CJ writes it as 0: a person sees a column that differs, so it must not pass as the same.</summary>
    internal double Number(string column, double number)
    {
        if (!double.IsFinite(number) || (number == 0 && double.IsNegative(number)))
            Refuse(column, FindingCodes.ValueOutOfRange, string.Create(CultureInfo.InvariantCulture, $"is {number}, which no record holds"));
        return double.IsFinite(number) ? number : 0;
    }

    internal decimal Decimal(string column, string? text)
    {
        if (WireDecimal.TryParse(text, out var value))
            return value;
        Refuse(column, text is null ? FindingCodes.ValueMissing : FindingCodes.ValueOutOfRange, text is null ? "is missing" : $"is {Quote(text)}, which no decimal holds exactly");
        return 0;
    }

    /// <summary>For a word of a closed vocabulary: called only where the vocabulary does not have it.</summary>
    internal void RefuseWord(string column, string? word) =>
        Refuse(column, FindingCodes.ValueOutOfVocabulary, word is null ? "is missing" : $"is {Quote(word)}, a word that {TraceHeader.CurrentFormat} does not know");

    internal void Refuse(string column, string code, string said)
    {
        IsWhole = false;
        findings.Add(new Judged(check, place.At(column).Finding(code, said)));
    }

    /// <summary>A value inside a message: short, on one line, printable.</summary>
    internal static string Quote(string text)
    {
        var shown = text.Length <= QuotedLength ? text : text[..QuotedLength] + "…";
        return $"\"{new string([.. shown.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '\uFFFD' : c)])}\"";
    }

    private static bool IsWellFormed(string text)
    {
        for (var rest = text.AsSpan(); ;)
        {
            var at = rest.IndexOfAnyInRange('\uD800', '\uDFFF');
            if (at < 0)
                return true;
            if (Rune.DecodeFromUtf16(rest[at..], out _, out var taken) != System.Buffers.OperationStatus.Done)
                return false;
            rest = rest[(at + taken)..];
        }
    }
}
