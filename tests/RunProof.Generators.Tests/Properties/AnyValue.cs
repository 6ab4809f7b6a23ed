using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Collections.ObjectModel;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using RunProof.Format;

namespace RunProof.Generators.Tests.Properties;

/// <summary>Any value of a canonical record, its edges more often than not.</summary>
internal static class AnyValue
{
    private static readonly string[] Pieces =
    [
        "a", "B", "10", "9", " ", "", "\"", "\\", "/", "\b", "\t", "\n", "\f", "\r", "\0", "\u0001", "\u001f", "\u007f", "\u0080", "é", "e\u0301", "\u07ff", "\u0800", "\u2028", "\u2029",
        "\ud7ff", "\ue000", "\ufeff", "\ufffd", "\uffff", "\U00010000", "😀", "\U0010ffff", "null", "plain text of words that is longer than a vector", "{\"a\":1}",
    ];

    public static object Record(Shape record, Choices choices, int depth = 0)
    {
        var values = record.Members.ToDictionary(static member => member, member => Value(member.Shape, choices, depth + 1));
        var constructor = record.Constructor();
        var made = constructor is null
            ? Activator.CreateInstance(record.Type)!
            : constructor.Invoke([.. constructor.GetParameters().Select(parameter => values.Single(pair => pair.Key.Parameter == parameter).Value)]);
        foreach (var (member, value) in values.Where(static pair => pair.Key.Parameter is null))
            member.Property.SetValue(made, value);
        return made;
    }

    private static object? Value(Shape shape, Choices choices, int depth)
    {
        if (shape.IsNullable && choices.Next(3) == 0)
            return null;
        if (shape.IsList)
            return List(shape, choices.Several(depth > 3 ? 1 : 3, () => Value(shape.Element!, choices, depth + 1)));
        if (shape.IsMap)
            return Map(shape, choices, depth);
        if (shape.IsRecord)
            return Record(shape, choices, depth);
        return shape.Type.IsEnum ? choices.Of<object>([.. Enum.GetValuesAsUnderlyingType(shape.Type).Cast<object>().Select(value => Enum.ToObject(shape.Type, value))]) : Scalar(shape.Type, choices);
    }

    private static object List(Shape shape, object?[] items)
    {
        var array = Array.CreateInstance(ItemType(shape.Element!), items.Length);
        for (var i = 0; i < items.Length; i++)
            array.SetValue(items[i], i);
        if (shape.Type.IsArray || shape.Type.IsInterface)
            return array;
        return shape.Type.GetGenericTypeDefinition() == typeof(List<>)
            ? Activator.CreateInstance(shape.Type, array)!
            : typeof(ImmutableArray).GetMethods().Single(static method => method.Name == nameof(ImmutableArray.Create) && method.GetParameters() is [{ ParameterType.IsArray: true }])
                .MakeGenericMethod(ItemType(shape.Element!)).Invoke(null, [array])!;
    }

    private static object Map(Shape shape, Choices choices, int depth)
    {
        var keys = choices.Several(depth > 3 ? 2 : 5, () => Text(choices)).Distinct(StringComparer.Ordinal).ToArray();
        var make = typeof(AnyValue).GetMethod(nameof(MapOf), System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static)!.MakeGenericMethod(ItemType(shape.Element!));
        return make.Invoke(null, [shape, choices, keys, keys.Select(_ => Value(shape.Element!, choices, depth + 1)).ToArray()])!;
    }

    /// <summary>Every kind of map there is: the order in which it gives its entries, and how, must not matter.</summary>
    private static object MapOf<T>(Shape shape, Choices choices, string[] keys, object?[] values)
    {
        var map = new Dictionary<string, T>(StringComparer.Ordinal);
        for (var i = 0; i < keys.Length; i++)
            map.Add(keys[i], (T)values[i]!);
        if (shape.Type == typeof(Dictionary<string, T>))
            return map;
        if (shape.Type == typeof(ImmutableSortedDictionary<string, T>))
            return map.ToImmutableSortedDictionary(choices.Flip() ? StringComparer.Ordinal : Backwards.Order);
        return choices.Next(7) switch
        {
            0 => map,
            1 => map.ToImmutableSortedDictionary(StringComparer.Ordinal),
            2 => map.ToImmutableDictionary(StringComparer.Ordinal),
            3 => map.ToFrozenDictionary(StringComparer.Ordinal),
            4 => new SortedDictionary<string, T>(map, Backwards.Order),
            5 => new ReadOnlyDictionary<string, T>(map),
            _ => new OnlyRead<T>(map),
        };
    }

    private static Type ItemType(Shape shape) => shape.IsNullable && shape.Type.IsValueType ? typeof(Nullable<>).MakeGenericType(shape.Type) : shape.Type;

    private static object Scalar(Type type, Choices choices) => type.Name switch
    {
        nameof(String) => Text(choices),
        nameof(Boolean) => choices.Flip(),
        nameof(SByte) => choices.Of<sbyte>(0, 1, -1, sbyte.MinValue, sbyte.MaxValue, (sbyte)choices.Bits()),
        nameof(Byte) => choices.Of<byte>(0, 1, byte.MaxValue, (byte)choices.Bits()),
        nameof(Int16) => choices.Of<short>(0, 1, -1, short.MinValue, short.MaxValue, (short)choices.Bits()),
        nameof(UInt16) => choices.Of<ushort>(0, 1, ushort.MaxValue, (ushort)choices.Bits()),
        nameof(Int32) => choices.Of(0, 1, -1, 10, int.MinValue, int.MaxValue, (int)choices.Bits()),
        nameof(UInt32) => choices.Of(0u, 1u, uint.MaxValue, (uint)choices.Bits()),
        nameof(Int64) => choices.Of<long>(0, 1, -1, long.MinValue, long.MaxValue, SafeInteger.MaxValue + 1, (long)choices.Bits() >> choices.Next(64)),
        nameof(UInt64) => choices.Of<ulong>(0, 1, ulong.MaxValue, choices.Bits() >> choices.Next(64)),
        nameof(Int128) => choices.Of(Int128.Zero, Int128.One, Int128.NegativeOne, Int128.MinValue, Int128.MaxValue, new Int128(choices.Bits(), choices.Bits())),
        nameof(UInt128) => choices.Of(UInt128.Zero, UInt128.One, UInt128.MaxValue, new UInt128(choices.Bits(), choices.Bits())),
        nameof(Decimal) => Decimal(choices),
        nameof(Single) => Single(choices),
        nameof(Double) => Double(choices),
        nameof(DateTimeOffset) => Time(choices),
        nameof(Guid) => choices.Of(Guid.Empty, Guid.AllBitsSet, new Guid(Bytes(choices, 16))),
        nameof(TimeSpan) => choices.Of(default, TimeSpan.MinValue, TimeSpan.MaxValue, TimeSpan.FromTicks(-15), TimeSpan.FromTicks(9), TimeSpan.FromTicks((long)choices.Bits() >> choices.Next(64))),
        "Byte[]" => Bytes(choices, choices.Of(0, 1, 2, 3, 4, choices.Next(40))),
        "ReadOnlyMemory`1" => new ReadOnlyMemory<byte>(Bytes(choices, choices.Of(0, 1, 2, 3, choices.Next(40)))),
        nameof(CanonicalJson) => CanonicalJson.Parse(Encoding.UTF8.GetBytes(Json(choices, choices.Rarely(20) ? 0 : 3)?.ToJsonString() ?? "null")),
        nameof(SafeInteger) => new SafeInteger(choices.Of(0, 1, -1, SafeInteger.MaxValue, -SafeInteger.MaxValue, (long)choices.Bits() >> 11)),
        nameof(Digest) => new Digest(Bytes(choices, Digest.Length)),
        nameof(TenantId) => TenantId.Parse(Word(choices, "abcXYZ09._-", 64)),
        nameof(RunId) => RunId.Parse(Word(choices, "a!~\"\\/0{}[]:,'", 128)),
        nameof(TraceId) => TraceId.Parse(Word(choices, "a!~\"\\/0", 128)),
        nameof(AgentId) => AgentId.Parse(Word(choices, "a!~\"\\/0", 128)),
        nameof(CorrelationId) => CorrelationId.Parse(Word(choices, "a!~\"\\/0", 128)),
        nameof(Percent) => new Percent(choices.Next(101)),
        nameof(Code) => new Code(choices.Of("", "A\n\u0001", "\u20ac\"")),
        _ => throw new NotSupportedException("no values of " + type + " yet"),
    };

    private static string Text(Choices choices) => choices.Rarely(150)
        ? new string('x', 2040) + string.Concat(choices.Several(20, () => choices.Of(Pieces)))
        : string.Concat(choices.Several(6, () => choices.Of(Pieces)));

    private static string Word(Choices choices, string alphabet, int atMost) =>
        new([.. Enumerable.Range(0, 1 + choices.Of(0, choices.Next(8), atMost - 1)).Select(_ => alphabet[choices.Next(alphabet.Length)])]);

    private static byte[] Bytes(Choices choices, int count) => [.. Enumerable.Range(0, count).Select(_ => (byte)choices.Next(256))];

    private static decimal Decimal(Choices choices) => choices.Of(
        0, new decimal(0, 0, 0, isNegative: true, 7), 1, -1, 0.1m, -0.2500m, 100m, decimal.MaxValue, decimal.MinValue, new decimal(1, 0, 0, false, 28), new decimal(-1, -1, -1, true, 28),
        new decimal((int)choices.Bits(), choices.Next(2) * (int)choices.Bits(), choices.Next(2) * (int)choices.Bits(), choices.Flip(), (byte)choices.Next(29)));

    private static double Double(Choices choices)
    {
        var bits = BitConverter.UInt64BitsToDouble(choices.Bits());
        return choices.Of(
            0, -0.0, 1, -1, 0.1, 0.5, 1.5, 1e20, 1e21, -1e21, 1e-6, 1e-7, 1e23, 4.35, 1.0 / 3, 123.456, double.Epsilon, 2.2250738585072009e-308, 2.2250738585072014e-308, double.MaxValue, double.MinValue,
            9007199254740991, 9007199254740992, 9007199254740994, -9007199254740996, 333333333.3333333, 1e15, 123456789012345680, choices.Next(100_000) / 8.0, double.IsFinite(bits) ? bits : 2);
    }

    private static float Single(Choices choices)
    {
        var bits = BitConverter.UInt32BitsToSingle((uint)choices.Bits());
        return choices.Of(0f, -0f, 1, 0.1f, float.Epsilon, float.MaxValue, float.MinValue, 1.17549435e-38f, 16777216, 16777218, 3.4e38f, float.IsFinite(bits) ? bits : 2);
    }

    private static DateTimeOffset Time(Choices choices)
    {
        var any = new DateTimeOffset((long)(choices.Bits() % (ulong)(TimeSpan.TicksPerDay * 3_650_000)) + TimeSpan.TicksPerDay, TimeSpan.Zero);
        return choices.Of(
            DateTimeOffset.UnixEpoch, DateTimeOffset.MinValue, DateTimeOffset.MaxValue, new DateTimeOffset(2024, 2, 29, 23, 59, 59, TimeSpan.FromHours(14)), DateTimeOffset.UnixEpoch.AddTicks(-1),
            any, any.ToOffset(TimeSpan.FromMinutes(choices.Next(1681) - 840)));
    }

    /// <summary>Any JSON; with depth 0, as deep as it may be.</summary>
    private static JsonNode? Json(Choices choices, int depth)
    {
        if (depth == 0)
            return Enumerable.Range(0, 64).Aggregate((JsonNode?)1.5, (inner, level) => level % 2 == 0 ? new JsonArray(inner) : new JsonObject { ["k"] = inner });
        return choices.Next(depth == 1 ? 5 : 7) switch
        {
            0 => null,
            1 => choices.Flip(),
            2 => Number(choices),
            3 or 4 => Text(choices),
            5 => new JsonArray(choices.Several(4, () => Json(choices, depth - 1))),
            _ => new JsonObject(choices.Several(4, () => Text(choices)).Distinct(StringComparer.Ordinal).Select(key => KeyValuePair.Create(key, Json(choices, depth - 1)))),
        };
    }

    /// <summary>A number that its own shortest digits hold exactly, as outside JSON must.</summary>
    private static JsonNode Number(Choices choices) => JsonNode.Parse(Double(choices).ToString("R", CultureInfo.InvariantCulture))!;

    private sealed class Backwards : IComparer<string>
    {
        public static readonly Backwards Order = new();

        public int Compare(string? x, string? y) => string.CompareOrdinal(y, x);
    }

    /// <summary>A map of someone's own that is nothing else.</summary>
    private sealed class OnlyRead<T>(Dictionary<string, T> map) : IReadOnlyDictionary<string, T>
    {
        public IEnumerable<string> Keys => map.Keys;

        public IEnumerable<T> Values => map.Values;

        public int Count => map.Count;

        public T this[string key] => map[key];

        public bool ContainsKey(string key) => map.ContainsKey(key);

        public bool TryGetValue(string key, [System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out T value) => map.TryGetValue(key, out value);

        public IEnumerator<KeyValuePair<string, T>> GetEnumerator() => map.Reverse().GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
