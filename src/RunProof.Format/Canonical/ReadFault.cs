namespace RunProof.Format;

/// <summary>Why bytes are not the canonical bytes of a value: the closed set of reasons a strict reader has.</summary>
public enum ReadFaultCode
{
    /// <summary>Nothing is wrong.</summary>
    None,

    /// <summary>Another byte than the one that must stand there: punctuation, a member's name, a value of another kind, white space.</summary>
    UnexpectedBytes,

    /// <summary>The bytes end before the value does.</summary>
    EndOfInput,

    /// <summary>The value ends before the bytes do.</summary>
    TrailingBytes,

    /// <summary>A string is not well-formed UTF-8 (RFC 3629).</summary>
    InvalidUtf8,

    /// <summary>A string has an escape that RFC 8785 section 3.2.2.2 does not write so, or a control character without one.</summary>
    NotCanonicalString,

    /// <summary>A number is not in the ECMAScript form of RFC 8785 section 3.2.2.3: a leading zero, <c>-0</c>, <c>1.0</c>, digits that no double needs, more than a double holds.</summary>
    NotCanonicalNumber,

    /// <summary>A string that holds a time, GUID, decimal, wide integer, duration, base64, digest or id holds none, or not in its one form.</summary>
    NotCanonicalText,

    /// <summary>An integer, or a double for a float, that the member's type does not hold.</summary>
    OutOfRange,

    /// <summary>A word that is no declared value of the enum.</summary>
    UnknownEnumValue,

    /// <summary>The keys of a map do not ascend by UTF-16 code units.</summary>
    UnsortedMap,

    /// <summary>A key of a map stands twice.</summary>
    DuplicateKey,

    /// <summary>JSON is nested deeper than <see cref="Canonicalizer.MaxDepth"/> levels.</summary>
    TooDeep,

    /// <summary>Code of the record itself (a constructor, an accessor, a scalar of its assembly) threw at the value: no such record was written.</summary>
    RefusedByType,
}

/// <summary>Where and why bytes are not the canonical bytes of a value.</summary>
/// <param name="Code">The kind of fault, to branch on.</param>
/// <param name="Offset">The byte at which it shows, from 0; the number of bytes where they end too soon.</param>
/// <param name="Message">What was expected there and what was found, for people.</param>
public readonly record struct ReadFault(ReadFaultCode Code, int Offset, string Message);
