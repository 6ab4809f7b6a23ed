using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace RunProof.Format;

/// <summary>What a number becomes whose double is not exactly it.</summary>
public enum NumberRule
{
    /// <summary>RFC 8785 to the letter: its double's ECMAScript form.</summary>
    Nearest,

    /// <summary>Refused: nothing may be rounded.</summary>
    Exact,
}

/// <summary>Any JSON text into canonical JSON (RFC 8785).</summary>
/// <remarks>Time grows with the text's length (times its logarithm, where members must be sorted) and memory with its length, whoever wrote it.</remarks>
public static class Canonicalizer
{
    /// <summary>Levels of nesting that are accepted (rule 2 of proof-format.md section 1): a value may stand inside this many arrays and objects.</summary>
    public const int MaxDepth = 64;

    /// <summary>Canonicalizes one JSON text.</summary>
    /// <param name="json">UTF-8, without a byte order mark.</param>
    /// <param name="numbers">What happens to a number that a double cannot hold exactly.</param>
    /// <returns>The canonical bytes.</returns>
    /// <exception cref="CanonicalFormatException">Not JSON, not UTF-8, a duplicate member name, a lone surrogate, a number out of
    /// range (or inexact, under <see cref="NumberRule.Exact"/>), nesting deeper than <see cref="MaxDepth"/>. The byte is named.</exception>
    public static byte[] Canonicalize(ReadOnlySpan<byte> json, NumberRule numbers) => Canonicalize(json, numbers, MaxDepth);

    /// <summary>Canonicalizes one JSON text that may be nested deeper: a payload that holds JSON from outside as a member.</summary>
    /// <inheritdoc cref="Canonicalize(ReadOnlySpan{byte}, NumberRule)"/>
    /// <param name="json">UTF-8, without a byte order mark.</param>
    /// <param name="numbers">What happens to a number that a double cannot hold exactly.</param>
    /// <param name="maxDepth">Levels of nesting that are accepted; at least 0. Each level that occurs takes some twenty bytes of pooled memory.</param>
    public static byte[] Canonicalize(ReadOnlySpan<byte> json, NumberRule numbers, int maxDepth)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxDepth);
        var canonical = TryCanonicalize(json, numbers, maxDepth, out var fault, out _);
        return canonical ?? throw new CanonicalFormatException(fault.Message, fault.Offset);
    }

    /// <summary>The canonical bytes, or null and why there are none. A text that has none is read to its end all the same: is it JSON?</summary>
    internal static byte[]? TryCanonicalize(ReadOnlySpan<byte> json, NumberRule numbers, int maxDepth, out CanonicalFault fault, out bool reserved)
    {
        var text = new CanonicalText(numbers, maxDepth, json.Length);
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
        var whole = true;
        fault = Utf8.IsValid(json) ? default : new CanonicalFault("not UTF-8", FirstInvalid(json), IsJson: false);
        try
        {
            while (fault.Message is null && reader.Read())
                whole = whole && text.TryWrite(ref reader);
            fault = fault.Message is null ? text.Fault : fault;
        }
        catch (JsonException e)
        {
            fault = new CanonicalFault("not JSON: " + e.Message.Split(" LineNumber:")[0], OffsetOf(e, json), IsJson: false);
        }

        reserved = text.HasReservedName;
        return fault.Message is null ? text.Written.ToArray() : null;
    }

    internal static int FirstInvalid(ReadOnlySpan<byte> json)
    {
        var at = 0;
        while (Rune.DecodeFromUtf8(json[at..], out _, out var length) == OperationStatus.Done)
            at += length;
        return at;
    }

    private static int OffsetOf(JsonException e, ReadOnlySpan<byte> json)
    {
        var line = 0;
        for (var n = e.LineNumber ?? 0; n > 0; n--)
            line += json[line..].IndexOf((byte)'\n') + 1;
        return line + (int)(e.BytePositionInLine ?? 0);
    }
}

/// <summary>Why a text has no canonical form.</summary>
/// <param name="Message">What and why.</param>
/// <param name="Offset">The byte at which it shows.</param>
/// <param name="IsJson">Whether it is JSON whose meaning RFC 8785 would not keep; false where it is no JSON at all.</param>
internal readonly record struct CanonicalFault(string Message, int Offset, bool IsJson);
