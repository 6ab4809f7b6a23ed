using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;

namespace RunProof.Generators;

/// <summary>Section 6 of the proof format: the canonical schema of a record, and fingerprints.</summary>
internal static class CanonicalSchemaText
{
    private static readonly ConditionalWeakTable<RecordShape, string> Fingerprints = new();

    /// <summary>The schema: canonical JSON.</summary>
    public static string Of(RecordShape record)
    {
        var members = record.Members.Select(static member => JsonText.Quote(member.Wire) + ":" + JsonText.Quote(Spell(member.Type)));
        return "{\"members\":{" + string.Join(",", members) + "},\"name\":" + JsonText.Quote(record.Name) + ",\"version\":" + JsonText.Quote(record.Version) + "}";
    }

    /// <summary>The fingerprint: SHA-256 of the schema, hex. It is asked for by all that hold the record.</summary>
    public static string Fingerprint(RecordShape record) => Fingerprints.GetValue(record, static record => LockHash.Of(Of(record)));

    private static string Spell(WireType type) => SpellBare(type) + (type.IsNullable ? "?" : "");

    private static string SpellBare(WireType type) => type.Kind switch
    {
        WireKind.Text or WireKind.WideInteger or WireKind.Decimal => "string",
        WireKind.Boolean => "boolean",
        WireKind.SignedNumber or WireKind.UnsignedNumber => "integer",
        WireKind.Single or WireKind.Double => "number",
        WireKind.Time => "time",
        WireKind.Guid => "guid",
        WireKind.Bytes => "bytes",
        WireKind.Duration => "duration",
        WireKind.Json => "json",
        WireKind.Scalar => type.Spelling,
        WireKind.Enum => "enum(" + string.Join("|", Sorted(type.Words)) + ")",
        WireKind.Record => Fingerprint(type.Record!),
        WireKind.List => Spell(type.Element!) + "[]",
        WireKind.Map => "map(" + Spell(type.Element!) + ")",
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    public static IEnumerable<string> Sorted(IEnumerable<EnumWord> words) =>
        words.Select(static word => word.Wire).OrderBy(static word => word, StringComparer.Ordinal);
}
