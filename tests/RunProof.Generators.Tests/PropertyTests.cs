using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Generators.Tests.Driving;
using RunProof.Generators.Tests.Samples;
using RunProof.Skills;

namespace RunProof.Generators.Tests;

/// <summary>
/// Random values: the bytes equal those of a slow canonicalizer over equivalent JSON that the test builds by hand, and binding them gives
/// them back. The seed is fixed, and in the message of a failure.
/// </summary>
public sealed class PropertyTests
{
    private static readonly char[] Alphabet = "aB0_é\u00e9\ue000\uffff\"\\\b\t\n\f\r\u0000\u001f\u007f\u2028/<".ToCharArray();

    [Fact]
    public void Scalars_are_written_as_a_slow_canonicalizer_writes_them() => ForSeeds(static random =>
    {
        var value = RandomScalars(random);
        Assert.Equal(SlowCanonicalizer.Canonicalize(Json(value)), Bytes(value));
        Assert.Equal(Bytes(value), Bytes(Rebind<Scalars>(value)));
        Assert.Equal(Bytes(value), Bytes(CanonicalBytes.Read<Scalars>(CanonicalBytes.Of(value))));
    });

    [Fact]
    public void Collections_are_written_as_a_slow_canonicalizer_writes_them() => ForSeeds(static random =>
    {
        var value = RandomCollections(random);
        Assert.Equal(SlowCanonicalizer.Canonicalize(Json(value)), Bytes(value));
        Assert.Equal(Bytes(value), Bytes(Rebind<Collections>(value)));
        Assert.Equal(Bytes(value), Bytes(CanonicalBytes.Read<Collections>(CanonicalBytes.Of(value))));
    });

    private static void ForSeeds(Action<Random> property)
    {
        for (var seed = 0; seed < 1000; seed++)
        {
            try
            {
                property(new Random(seed));
            }
            catch (Exception failed)
            {
                throw new InvalidOperationException("seed " + seed.ToString(CultureInfo.InvariantCulture) + ": " + failed.Message, failed);
            }
        }
    }

    private static Scalars RandomScalars(Random random) => new()
    {
        Text = Text(random),
        Flag = random.Next(2) == 0,
        Tiny = (sbyte)random.Next(-128, 128),
        Octet = (byte)random.Next(256),
        Short = (short)random.Next(-32768, 32768),
        UShort = (ushort)random.Next(65536),
        Number = random.Next(2) == 0 ? random.Next(-10, 10) : random.Next(int.MinValue, int.MaxValue),
        UNumber = (uint)random.NextInt64(uint.MaxValue),
        Long = random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64),
        ULong = (ulong)random.NextInt64(long.MinValue, long.MaxValue),
        Huge = new Int128((ulong)random.NextInt64(long.MinValue, long.MaxValue), (ulong)random.NextInt64()),
        UHuge = new UInt128((ulong)random.NextInt64(long.MinValue, long.MaxValue), (ulong)random.NextInt64()),
        Amount = new decimal(random.Next(), random.Next(2) * random.Next(), 0, random.Next(2) == 0, (byte)random.Next(29)),
        Single = Finite(random, static bits => BitConverter.Int32BitsToSingle((int)bits)),
        Double = Finite(random, BitConverter.Int64BitsToDouble),
        Shade = random.Next(2) == 0 ? Shade.Dark : Shade.LightGrey,
        Time = new DateTimeOffset(random.NextInt64(TimeSpan.TicksPerDay, 3155378975999999999 - TimeSpan.TicksPerDay), TimeSpan.Zero).ToOffset(TimeSpan.FromMinutes(random.Next(-840, 841))),
        Id = new Guid(Some(random, 16)),
        Bytes = Some(random, random.Next(20)),
        Memory = Some(random, random.Next(20)),
        Duration = TimeSpan.FromTicks(random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64)),
        Json = CanonicalJson.FromCanonicalBytes("[0]"u8.ToArray()),
        Seed = new SafeInteger(random.NextInt64(-SafeInteger.MaxValue, SafeInteger.MaxValue)),
        RunId = RunId.Parse("run" + random.Next(10).ToString(CultureInfo.InvariantCulture)),
    };

    private static Collections RandomCollections(Random random) => new()
    {
        Array = Several(random, Text),
        List = [.. Several(random, static random => random.Next(2) == 0 ? (int?)null : random.Next(-5, 5))],
        Shades = [.. Several(random, static random => random.Next(2) == 0 ? Shade.Dark : Shade.LightGrey)],
        Nested = Several(random, static random => Several(random, static random => random.Next())),
        Map = Map(random, static random => Several(random, static random => random.NextInt64())),
        Sorted = Map(random, Item).ToImmutableSortedDictionary(StringComparer.Ordinal),
        Deep = random.Next(3) == 0 ? null : Map<IReadOnlyDictionary<string, bool>>(random, static random => Map(random, static random => random.Next(2) == 0)),
        Orders = random.Next(3) == 0 ? null : Several(random, static random => new Order(Several(random, Item), Map(random, NullableText), random.Next(2) == 0 ? null : Item(random), NullableText(random))),
    };

    private static JsonObject Json(Scalars value) => new()
    {
        ["text"] = value.Text,
        ["flag"] = value.Flag,
        ["tiny"] = (double)value.Tiny,
        ["octet"] = (double)value.Octet,
        ["short"] = (double)value.Short,
        ["u_short"] = (double)value.UShort,
        ["number"] = (double)value.Number,
        ["u_number"] = (double)value.UNumber,
        ["long"] = value.Long.ToString(CultureInfo.InvariantCulture),
        ["u_long"] = value.ULong.ToString(CultureInfo.InvariantCulture),
        ["huge"] = value.Huge.ToString(CultureInfo.InvariantCulture),
        ["u_huge"] = value.UHuge.ToString(CultureInfo.InvariantCulture),
        ["amount"] = Plain(value.Amount),
        ["single"] = (double)value.Single,
        ["double"] = value.Double,
        ["shade"] = value.Shade == Shade.Dark ? "DARK" : "light_grey",
        ["time"] = value.Time.UtcDateTime.ToString("o", CultureInfo.InvariantCulture)[..26] + "Z",
        ["id"] = value.Id.ToString("D"),
        ["bytes"] = Convert.ToBase64String(value.Bytes),
        ["memory"] = Convert.ToBase64String(value.Memory.Span),
        ["duration"] = (value.Duration.Ticks / 10).ToString(CultureInfo.InvariantCulture),
        ["json"] = new JsonArray(0d),
        ["seed"] = (double)value.Seed.Value,
        ["run_id"] = value.RunId.Value,
    };

    private static JsonObject Json(Collections value) => new()
    {
        ["array"] = Array(value.Array, static text => text),
        ["list"] = Array(value.List, static number => number is { } some ? (double)some : null),
        ["shades"] = Array(value.Shades, static shade => shade == Shade.Dark ? "DARK" : "light_grey"),
        ["nested"] = Array(value.Nested, static inner => Array(inner, static number => (double)number)),
        ["map"] = Object(value.Map, static longs => Array(longs, static number => number.ToString(CultureInfo.InvariantCulture))),
        ["sorted"] = Object(value.Sorted, Json),
        ["deep"] = value.Deep is null ? null : Object(value.Deep, static inner => Object(inner, static flag => flag)),
        ["orders"] = value.Orders is null ? null : Array(value.Orders, static order => new JsonObject
        {
            ["items"] = Array(order.Items, Json),
            ["labels"] = Object(order.Labels, static label => label),
            ["gift"] = order.Gift is { } gift ? Json(gift) : null,
            ["note"] = order.Note,
        }),
    };

    private static JsonNode Json(OrderItem item) => new JsonObject { ["SKU"] = item.Sku, ["count"] = (double)item.Count };

    private static JsonArray Array<T>(IEnumerable<T> items, Func<T, JsonNode?> json) => [.. items.Select(json)];

    private static JsonObject Object<T>(IEnumerable<KeyValuePair<string, T>> entries, Func<T, JsonNode?> json) =>
        new(entries.Select(entry => KeyValuePair.Create(entry.Key, json(entry.Value))));

    private static T Rebind<T>(T value)
        where T : ICanonical<T>, IJsonBound<T>
    {
        using var document = JsonDocument.Parse(CanonicalBytes.Of(value));
        return T.BindJson(document.RootElement, "p");
    }

    private static OrderItem Item(Random random) => new(Text(random), random.Next(-3, 3));

    private static string? NullableText(Random random) => random.Next(3) == 0 ? null : Text(random);

    private static string Text(Random random) =>
        string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => random.Next(6) == 0 ? "\ud83d\ude00" : Alphabet[random.Next(Alphabet.Length)].ToString()));

    private static byte[] Some(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    private static T[] Several<T>(Random random, Func<Random, T> make) => [.. Enumerable.Range(0, random.Next(4)).Select(_ => make(random))];

    private static Dictionary<string, T> Map<T>(Random random, Func<Random, T> make)
    {
        var map = new Dictionary<string, T>(StringComparer.Ordinal);
        for (var i = random.Next(8); i > 0; i--)
            map[Text(random)] = make(random);
        return map;
    }

    private static T Finite<T>(Random random, Func<long, T> make)
        where T : System.Numerics.INumber<T>
    {
        while (true)
        {
            var value = random.Next(2) == 0 ? T.CreateChecked(random.Next(-1000, 1000)) / T.CreateChecked(8) : make(random.NextInt64(long.MinValue, long.MaxValue));
            if (T.IsFinite(value))
                return value;
        }
    }

    /// <summary>A decimal without trailing zeros or minus zero, from its own digits.</summary>
    private static string Plain(decimal value)
    {
        var text = value.ToString(CultureInfo.InvariantCulture);
        if (text.Contains('.', StringComparison.Ordinal))
            text = text.TrimEnd('0').TrimEnd('.');
        return text is "-0" or "" ? "0" : text;
    }

    private static string Bytes<T>(T value)
        where T : ICanonical<T> => Encoding.UTF8.GetString(CanonicalBytes.Of(value));
}
