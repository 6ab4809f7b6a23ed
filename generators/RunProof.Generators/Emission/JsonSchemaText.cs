using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace RunProof.Generators;

/// <summary>JSON Schema (draft 2020-12) of a record: what its binder accepts, for callers and planners.</summary>
internal static class JsonSchemaText
{
    public static string Of(RecordShape record) =>
        "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":" + JsonText.Quote(record.Name) + "," + string.Join(",", Keywords(record, nullable: false, record.Description)) + "}";

    private static IEnumerable<string> Keywords(RecordShape record, bool nullable, string? description)
    {
        yield return Types(nullable, "object");
        if (description is not null)
            yield return Description(description);
        yield return "\"properties\":{" + string.Join(",", record.Members.Select(static member => JsonText.Quote(member.Wire) + ":" + Member(member))) + "}";
        var required = record.Members.Where(static member => !member.IsOptional).Select(static member => JsonText.Quote(member.Wire)).ToArray();
        if (required.Length > 0)
            yield return "\"required\":[" + string.Join(",", required) + "]";
        yield return "\"additionalProperties\":false";
    }

    private static string Member(MemberShape member)
    {
        var keywords = Keywords(member.Type, member.Description).ToList();
        if (member.DefaultJson is not null)
            keywords.Add("\"default\":" + member.DefaultJson);
        return "{" + string.Join(",", keywords) + "}";
    }

    private static IEnumerable<string> Keywords(WireType type, string? description)
    {
        if (type.Kind == WireKind.Record)
            return Keywords(type.Record!, type.IsNullable, description ?? type.Record!.Description);
        return description is null ? Bare(type) : Bare(type).Concat([Description(description)]);
    }

    private static IEnumerable<string> Bare(WireType type) => type.Kind switch
    {
        WireKind.Text => [Types(type.IsNullable, "string")],
        WireKind.Boolean => [Types(type.IsNullable, "boolean")],
        WireKind.SignedNumber or WireKind.UnsignedNumber => [Types(type.IsNullable, "integer"), .. Range(type.Width)],
        WireKind.WideInteger => [Types(type.IsNullable, "string", "integer"), "\"pattern\":\"^-?[0-9]+$\""],
        WireKind.Decimal => [Types(type.IsNullable, "string", "number"), "\"pattern\":\"^-?[0-9]+(\\\\.[0-9]+)?$\""],
        WireKind.Single or WireKind.Double => [Types(type.IsNullable, "number")],
        WireKind.Time => [Types(type.IsNullable, "string"), "\"format\":\"date-time\""],
        WireKind.Guid => [Types(type.IsNullable, "string"), "\"format\":\"uuid\""],
        WireKind.Bytes => [Types(type.IsNullable, "string"), "\"contentEncoding\":\"base64\""],
        WireKind.Duration => [Types(type.IsNullable, "string", "integer"), "\"pattern\":\"^-?[0-9]+$\""],
        WireKind.Json => [],
        WireKind.Scalar => [Types(type.IsNullable, type.Spelling)],
        WireKind.Enum => ["\"enum\":[" + string.Join(",", CanonicalSchemaText.Sorted(type.Words).Select(JsonText.Quote)) + (type.IsNullable ? ",null]" : "]")],
        WireKind.List => [Types(type.IsNullable, "array"), "\"items\":{" + string.Join(",", Keywords(type.Element!, null)) + "}"],
        WireKind.Map => [Types(type.IsNullable, "object"), "\"additionalProperties\":{" + string.Join(",", Keywords(type.Element!, null)) + "}"],
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    private static string Types(bool nullable, params string[] types)
    {
        var all = types.Concat(nullable ? ["null"] : Array.Empty<string>()).Select(JsonText.Quote).ToArray();
        return "\"type\":" + (all.Length == 1 ? all[0] : "[" + string.Join(",", all) + "]");
    }

    private static string Description(string text) => "\"description\":" + JsonText.Quote(text);

    private static IEnumerable<string> Range(string width)
    {
        var (least, most) = width switch
        {
            "SByte" => (sbyte.MinValue, sbyte.MaxValue),
            "Byte" => (byte.MinValue, byte.MaxValue),
            "Int16" => (short.MinValue, short.MaxValue),
            "UInt16" => (ushort.MinValue, ushort.MaxValue),
            "Int32" => (int.MinValue, int.MaxValue),
            _ => ((long)uint.MinValue, (long)uint.MaxValue),
        };
        yield return "\"minimum\":" + least.ToString(CultureInfo.InvariantCulture);
        yield return "\"maximum\":" + most.ToString(CultureInfo.InvariantCulture);
    }
}
