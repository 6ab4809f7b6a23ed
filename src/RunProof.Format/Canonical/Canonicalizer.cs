using System.Text;
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
    /// <param name="maxDepth">Levels of nesting that are accepted; at least 0. Eight bytes of memory each.</param>
    public static byte[] Canonicalize(ReadOnlySpan<byte> json, NumberRule numbers, int maxDepth)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxDepth);
        var canonical = TryCanonicalize(json, numbers, maxDepth, out var fault, out _);
        return canonical ?? throw new CanonicalFormatException(fault.Message, fault.Offset);
    }

    /// <summary>The canonical bytes, or null and why there are none.</summary>
    internal static byte[]? TryCanonicalize(ReadOnlySpan<byte> json, NumberRule numbers, int maxDepth, out CanonicalFault fault, out bool reserved)
    {
        reserved = false;
        if (!Utf8.IsValid(json))
        {
            fault = new CanonicalFault("not UTF-8", FirstInvalid(json), IsJson: false);
            return null;
        }

        var text = new CanonicalText(json, numbers, maxDepth);
        try
        {
            var done = text.Run();
            fault = text.Fault;
            reserved = text.HasReservedName;
            return done ? text.Output.Written.ToArray() : null;
        }
        finally
        {
            text.Dispose();
        }
    }

    private static int FirstInvalid(ReadOnlySpan<byte> json)
    {
        var at = 0;
        while (Rune.DecodeFromUtf8(json[at..], out _, out var length) == System.Buffers.OperationStatus.Done)
            at += length;
        return at;
    }
}

/// <summary>Why a text has no canonical form.</summary>
/// <param name="Message">What and why.</param>
/// <param name="Offset">The byte at which it shows.</param>
/// <param name="IsJson">Whether the text up to there is JSON whose meaning RFC 8785 would not keep; false where it is no JSON at all.</param>
internal readonly record struct CanonicalFault(string Message, int Offset, bool IsJson);
