using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

namespace RunProof.Generators;

/// <summary>Section 6 of the proof format: the canonical schema of a record, and fingerprints.</summary>
internal static class CanonicalSchemaText
{
    /// <summary>The schema: canonical JSON.</summary>
    public static string Of(RecordShape record)
    {
        var members = record.Members.Select(static member => JsonText.Quote(member.Wire) + ":" + JsonText.Quote(Spell(member.Type)));
        return "{\"members\":{" + string.Join(",", members) + "},\"name\":" + JsonText.Quote(record.Name) + ",\"version\":" + JsonText.Quote(record.Version) + "}";
    }

    /// <summary>The fingerprint: SHA-256 of the schema, hex.</summary>
    public static string Fingerprint(RecordShape record) => Hash(Of(record));

    /// <summary>A skill's schema: SHA-256 over its name, version and the fingerprints of what goes in and comes out, hex.</summary>
    public static string OfSkill(string name, string version, string parameters, string outcome) =>
        Hash("runproof/v1/skill\n[" + string.Join(",", new[] { name, version, parameters, outcome }.Select(JsonText.Quote)) + "]");

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

    private static string Hash(string text)
    {
        using var sha = SHA256.Create();
        return string.Concat(sha.ComputeHash(Encoding.UTF8.GetBytes(text)).Select(Hex));
    }

    private static string Hex(byte value) => new(["0123456789abcdef"[value >> 4], "0123456789abcdef"[value & 15]]);
}
