using System.Collections;
using System.Globalization;
using System.Text.Json.Nodes;
using RunProof.Format;

namespace RunProof.Generators.Tests.Properties;

/// <summary>What a value is on the wire by proof-format.md section 1, and when two values are the same there; by reflection, sharing nothing with src/ or the generator.</summary>
internal static class Independent
{
    public static JsonNode? Json(Shape shape, object? value)
    {
        if (value is null)
            return null;
        if (shape.IsRecord)
            return new JsonObject(shape.Members.Select(member => KeyValuePair.Create(member.Wire, Json(member.Shape, member.Property.GetValue(value)))));
        if (shape.IsList)
            return new JsonArray([.. ((IEnumerable)value).Cast<object?>().Select(item => Json(shape.Element!, item))]);
        return shape.IsMap ? new JsonObject(Entries(value).Select(entry => KeyValuePair.Create(entry.Key, Json(shape.Element!, entry.Value)))) : Scalar(value);
    }

    /// <summary>Whether the wire keeps no difference between two values.</summary>
    public static bool Same(Shape shape, object? left, object? right)
    {
        if (left is null || right is null)
            return (left ?? right) is null || IsNull(left ?? right);
        if (shape.IsRecord)
            return shape.Members.All(member => Same(member.Shape, member.Property.GetValue(left), member.Property.GetValue(right)));
        if (shape.IsList)
            return Same(shape.Element!, [.. ((IEnumerable)left).Cast<object?>()], [.. ((IEnumerable)right).Cast<object?>()]);
        if (!shape.IsMap)
            return Equal(left, right);
        var (one, other) = (Entries(left).OrderBy(static entry => entry.Key, StringComparer.Ordinal).ToArray(), Entries(right).OrderBy(static entry => entry.Key, StringComparer.Ordinal).ToArray());
        return one.Select(static entry => entry.Key).SequenceEqual(other.Select(static entry => entry.Key))
            && Same(shape.Element!, [.. one.Select(static entry => entry.Value)], [.. other.Select(static entry => entry.Value)]);
    }

    private static bool Same(Shape shape, object?[] left, object?[] right) => left.Length == right.Length && left.Zip(right).All(pair => Same(shape, pair.First, pair.Second));

    /// <summary>JSON's null in a member that may be null is no value.</summary>
    private static bool IsNull(object? value) => value is CanonicalJson json && json.ToString() == "null";

    private static bool Equal(object left, object right) => (left, right) switch
    {
        (DateTimeOffset one, DateTimeOffset other) => one.UtcTicks / 10 == other.UtcTicks / 10,
        (TimeSpan one, TimeSpan other) => one.Ticks / 10 == other.Ticks / 10,
        (ReadOnlyMemory<byte> one, ReadOnlyMemory<byte> other) => one.Span.SequenceEqual(other.Span),
        (byte[] one, byte[] other) => one.AsSpan().SequenceEqual(other),
        // Both zeros are equal here, as they are on the wire.
        (double one, double other) => one == other,
        (float one, float other) => one == other,
        _ => left.Equals(right),
    };

    private static IEnumerable<KeyValuePair<string, object?>> Entries(object map) => ((IEnumerable)map).Cast<object>()
        .Select(static entry => KeyValuePair.Create((string)entry.GetType().GetProperty("Key")!.GetValue(entry)!, entry.GetType().GetProperty("Value")!.GetValue(entry)));

    private static JsonNode? Scalar(object value) => value switch
    {
        string text => text,
        bool flag => flag,
        sbyte or byte or short or ushort or int or uint or float or double => Convert.ToDouble(value, CultureInfo.InvariantCulture),
        long or ulong or Int128 or UInt128 => ((IFormattable)value).ToString(null, CultureInfo.InvariantCulture),
        decimal number => Plain(number),
        Enum word => Shape.Word(word),
        DateTimeOffset time => time.UtcDateTime.ToString("o", CultureInfo.InvariantCulture)[..26] + "Z",
        Guid id => id.ToString("D"),
        byte[] bytes => Convert.ToBase64String(bytes),
        ReadOnlyMemory<byte> bytes => Convert.ToBase64String(bytes.Span),
        TimeSpan duration => (duration.Ticks / 10).ToString(CultureInfo.InvariantCulture),
        CanonicalJson json => JsonNode.Parse(json.ToString()),
        SafeInteger number => (double)number.Value,
        Digest or TenantId or RunId or TraceId or AgentId or CorrelationId => value.ToString(),
        Percent percent => (double)percent.Value,
        Code code => code.Text,
        _ => throw new NotSupportedException("no wire form of " + value.GetType() + " here yet"),
    };

    /// <summary>A decimal without trailing zeros or minus zero, from its own digits.</summary>
    private static string Plain(decimal value)
    {
        var text = value.ToString(CultureInfo.InvariantCulture);
        if (text.Contains('.', StringComparison.Ordinal))
            text = text.TrimEnd('0').TrimEnd('.');
        return text is "-0" or "" ? "0" : text;
    }
}
