using System.Text;
using RunProof.Format;

namespace RunProof.Generators.Tests.Properties;

/// <summary>Bytes that are not what a writer wrote: refused, or the very bytes of another value.</summary>
public sealed class Changes
{
    /// <summary>What stands in canonical JSON, what almost does, and what never may.</summary>
    private static readonly byte[] Telling = [.. "0159\"\\,:{}[]-+.eEnutf aAzZ/=\t\n"u8, 0x00, 0x1f, 0x7f, 0x80, 0xbf, 0xc0, 0xed, 0xef, 0xf4, 0xff];

    private static readonly byte[] Inserted = [.. "05\"\\,:{}[-.e \n"u8, 0x00, 0x80];

    public static TheoryData<string> Names => Records.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void Any_change_of_one_byte_is_refused_or_is_another_value(string name)
    {
        var subject = Records.All[name];
        Property.Holds(2, choices =>
        {
            var value = Small(subject, choices);
            var others = 0;
            foreach (var (changed, what) in OneByteChanges(subject.Write(value)))
            {
                // Reflection is slow, and most changes within a long text are alike.
                if (subject.ReadStrictly(changed, what) is { } other && others++ % 32 == 0 && Independent.Same(subject.Shape, value, other))
                    Assert.Fail($"{what}: the same value has other bytes: {Encoding.UTF8.GetString(changed)}");
            }
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Bytes_that_end_too_soon_are_refused(string name)
    {
        var subject = Records.All[name];
        Property.Holds(10, choices =>
        {
            var bytes = subject.Write(Small(subject, choices));
            for (var length = 0; length < bytes.Length; length++)
                Assert.Null(subject.ReadStrictly(bytes.AsSpan(0, length), "the first " + length));
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Bytes_of_any_kind_are_refused_or_are_a_value(string name)
    {
        var subject = Records.All[name];
        Property.Holds(400, choices =>
        {
            var (bytes, other) = (subject.Write(RoundTrips.Any(subject, choices)), subject.Write(RoundTrips.Any(subject, choices)));
            subject.ReadStrictly(Mutilated(bytes, other, choices), "mutilated");
            subject.ReadStrictly([.. choices.Several(40, () => (byte)choices.Next(256))], "random bytes");
            subject.ReadStrictly([.. choices.Several(60, () => choices.Of(Telling))], "random tokens");
        });
    }

    private static object Small(Subject subject, Choices choices)
    {
        while (true)
        {
            var value = RoundTrips.Any(subject, choices);
            if (subject.Write(value).Length < 900)
                return value;
        }
    }

    private static IEnumerable<(byte[] Bytes, string What)> OneByteChanges(byte[] bytes)
    {
        for (var at = 0; at <= bytes.Length; at++)
        {
            foreach (var inserted in Inserted)
                yield return ([.. bytes.AsSpan(0, at), inserted, .. bytes.AsSpan(at)], $"0x{inserted:x2} inserted at {at}");
            if (at == bytes.Length)
                break;
            yield return ([.. bytes.AsSpan(0, at), .. bytes.AsSpan(at + 1)], $"byte {at} deleted");
            foreach (var other in Enumerable.Range(0, 8).Select(bit => (byte)(bytes[at] ^ (1 << bit))).Concat(Telling).Where(other => other != bytes[at]).Distinct())
            {
                var changed = bytes.ToArray();
                changed[at] = other;
                yield return (changed, $"byte {at} changed to 0x{other:x2}");
            }
        }
    }

    /// <summary>Several cuts, repetitions and pieces of another document.</summary>
    private static byte[] Mutilated(byte[] bytes, byte[] other, Choices choices)
    {
        for (var times = choices.Next(4); times >= 0 && bytes.Length > 1; times--)
        {
            var (at, to) = (choices.Next(bytes.Length), choices.Next(bytes.Length));
            var (start, end) = (Math.Min(at, to), Math.Max(at, to));
            var (from, until) = (choices.Next(other.Length), choices.Next(other.Length));
            bytes = choices.Next(4) switch
            {
                0 => [.. bytes.AsSpan(0, start), .. bytes.AsSpan(end)],
                1 => [.. bytes.AsSpan(0, end), .. bytes.AsSpan(start)],
                2 => [.. bytes.AsSpan(0, start), .. other.AsSpan(Math.Min(from, until)..Math.Max(from, until)), .. bytes.AsSpan(end)],
                _ => [.. bytes.AsSpan(0, start), choices.Of(Telling), .. bytes.AsSpan(start)],
            };
        }

        return bytes;
    }
}
