using System.Buffers;
using System.Text;
using System.Text.Json;

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
public static class Canonicalizer
{
    /// <summary>Levels of nesting that are accepted (rule 2 of proof-format.md section 1).</summary>
    public const int MaxDepth = 64;

    /// <summary>Canonicalizes one JSON text.</summary>
    /// <param name="json">UTF-8, without a byte order mark.</param>
    /// <param name="numbers">What happens to a number that a double cannot hold exactly.</param>
    /// <returns>The canonical bytes.</returns>
    /// <exception cref="CanonicalFormatException">Not JSON, not UTF-8, a duplicate member name, a lone surrogate, a number out of
    /// range (or inexact, under <see cref="NumberRule.Exact"/>), nesting deeper than <see cref="MaxDepth"/>.</exception>
    public static byte[] Canonicalize(ReadOnlySpan<byte> json, NumberRule numbers) => throw new CanonicalFormatException("helper A writes this");
}

/// <summary>Rules 2 and 3 of proof-format.md section 1.</summary>
internal static class OutsideJson
{
    internal static byte[] Record(ReadOnlySpan<byte> received, string mediaType) => throw new CanonicalFormatException("helper A writes this");
}
