using System;
using System.Collections.Generic;
using System.Linq;

namespace RunProof.Generators;

/// <summary>Section 6 of the proof format: the canonical schema of a record, and its fingerprint. Both follow from the record's entry in a lock, which knows more.</summary>
internal static class CanonicalSchemaText
{
    /// <summary>The schema: canonical JSON.</summary>
    public static string Of(RecordShape record) => record.ToEntry().Schema;

    /// <summary>The fingerprint: SHA-256 of the schema, hex.</summary>
    public static string Fingerprint(RecordShape record) => record.ToEntry().Fingerprint;

    public static IEnumerable<string> Sorted(IEnumerable<EnumWord> words) =>
        words.Select(static word => word.Wire).OrderBy(static word => word, StringComparer.Ordinal);
}
