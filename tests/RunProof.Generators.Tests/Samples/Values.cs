using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using RunProof.Format;

namespace RunProof.Generators.Tests.Samples;

/// <summary>One value of each sample, the same in every test.</summary>
internal static class Values
{
    public static Scalars Scalars => new()
    {
        Text = "naïve \"café\" \u0001\ud83d\ude00\n",
        Flag = true,
        Tiny = -128,
        Octet = 255,
        Short = -32768,
        UShort = 65535,
        Number = int.MinValue,
        UNumber = uint.MaxValue,
        Long = long.MinValue,
        ULong = ulong.MaxValue,
        Huge = Int128.MinValue,
        UHuge = UInt128.MaxValue,
        Amount = -0.2500m,
        Single = 0.1f,
        Double = 1e21,
        Shade = Shade.Dark,
        Time = new DateTimeOffset(2026, 2, 10, 14, 43, 41, TimeSpan.FromHours(2)).AddTicks(5494309),
        Id = Guid.Parse("89CEEABA-1AA4-42AD-B93E-4BDCD72D75B6"),
        Bytes = [0xfb, 0xff, 0x00],
        Memory = new byte[] { 1 },
        Duration = TimeSpan.FromTicks(-15),
        Json = CanonicalJson.FromCanonicalBytes("""{"a":[1,null]}"""u8.ToArray()),
        Seed = new SafeInteger(SafeInteger.MaxValue),
        RunId = RunId.Parse("run-1"),
    };

    public static Absent Absent => new(null, null, null, null, null, null, null, null, null, null, null, null, null, null);

    public static Order Order => new(
        [new OrderItem("a", 2), new OrderItem("b")],
        new Dictionary<string, string?> { ["\ue000"] = "after the pair", ["\ud83d\ude00"] = null, ["b"] = "", ["B"] = "x", [""] = "first", ["é"] = "y" },
        null);

    public static Collections Collections => new()
    {
        Array = ["", "x"],
        List = [1, null, -1],
        Shades = [Shade.Dark, Shade.LightGrey],
        Nested = [[], [1, 2]],
        Map = new Dictionary<string, long[]> { ["two"] = [2, 3], ["one"] = [] },
        Sorted = ImmutableSortedDictionary.CreateRange(StringComparer.OrdinalIgnoreCase, [KeyValuePair.Create("a", new OrderItem("s")), KeyValuePair.Create("B", new OrderItem("t"))]),
        Deep = new Dictionary<string, IReadOnlyDictionary<string, bool>> { ["k"] = new SortedDictionary<string, bool> { ["z"] = true, ["Z"] = false } },
        Orders = [],
    };

    public static Dog Dog => new("Rex", 3);
}
