using System.Buffers;
using System.Collections;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Collections.ObjectModel;
using RunProof.Format;
using RunProof.Generators.Tests.Samples;

namespace RunProof.Generators.Tests.Properties;

/// <summary>What a writer must not write, wherever in a value it stands; and what writing must not cost.</summary>
public sealed class Refusals
{
    private static readonly object[] Unwritable = ["\ud83d", "a\ude00", "\ud83d\ud83d\ude00", double.NaN, double.PositiveInfinity, double.NegativeInfinity, float.NaN, float.NegativeInfinity];

    public static TheoryData<string> Names => Records.Names;

    public static TheoryData<string> Maps => ["Dictionary", "ImmutableSortedDictionary", "FrozenDictionary", "ReadOnlyDictionary"];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_value_without_canonical_form_is_refused_wherever_it_stands(string name)
    {
        var subject = Records.All[name];
        Property.Holds(20, choices =>
        {
            foreach (var unwritable in Unwritable)
            {
                var value = RoundTrips.Any(subject, choices);
                if (Spoil(subject.Shape, value, unwritable))
                    Assert.Throws<CanonicalFormatException>(() => subject.Write(value));
            }
        });
    }

    [Theory]
    [MemberData(nameof(Maps))]
    public void Writing_a_map_of_the_runtime_allocates_nothing(string kind)
    {
        var map = new Dictionary<string, string?>(StringComparer.Ordinal) { ["\ue000"] = null, ["b"] = "", ["\ud83d\ude00"] = "x", ["a"] = "y" };
        var order = Values.Order with
        {
            Labels = kind switch
            {
                "Dictionary" => map,
                "ImmutableSortedDictionary" => map.ToImmutableSortedDictionary(StringComparer.OrdinalIgnoreCase),
                "FrozenDictionary" => map.ToFrozenDictionary(StringComparer.Ordinal),
                _ => new ReadOnlyDictionary<string, string?>(map),
            },
        };
        var buffer = new ArrayBufferWriter<byte>(4096);
        for (var i = 0; i < 50; i++)
            Write(buffer, order);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 50; i++)
            Write(buffer, order);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void Write(ArrayBufferWriter<byte> buffer, Order order)
    {
        buffer.ResetWrittenCount();
        CanonicalBytes.Write(buffer, order);
    }

    /// <summary>Puts it into the first place that takes it; false where there is none.</summary>
    private static bool Spoil(Shape shape, object? value, object unwritable)
    {
        if (value is null)
            return false;
        if (value is IList list && shape.IsList && !list.IsReadOnly)
            return Spoil(shape.Element!, list, unwritable);
        if (!shape.IsRecord)
            return false;
        foreach (var member in shape.Members.Where(static member => member.Property.CanWrite))
        {
            if (member.Shape.Type == unwritable.GetType())
            {
                member.Property.SetValue(value, unwritable);
                return true;
            }

            var held = member.Property.GetValue(value);
            if (!Spoil(member.Shape, held, unwritable))
                continue;
            member.Property.SetValue(value, held);
            return true;
        }

        return false;
    }

    private static bool Spoil(Shape element, IList list, object unwritable)
    {
        for (var i = 0; i < list.Count; i++)
        {
            var item = list[i];
            var taken = element.Type == unwritable.GetType();
            if (!taken && !Spoil(element, item, unwritable))
                continue;
            list[i] = taken ? unwritable : item;
            return true;
        }

        return false;
    }
}
