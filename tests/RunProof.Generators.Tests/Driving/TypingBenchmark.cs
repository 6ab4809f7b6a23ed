using System.Globalization;

namespace RunProof.Generators.Tests.Driving;

/// <summary>What the generators cost while someone types in a project of 2,000 files, 200 skills and 440 records: <see cref="Typing"/> says what is counted.</summary>
internal static class TypingBenchmark
{
    private const int Warmups = 8;

    public static int Run(TextWriter output)
    {
        var typing = new Typing(new LargeProject(2_000, 200));
        Print(output, "first pass of both generators", 500, Enumerable.Range(0, Warmups + 15).Select(_ => typing.FirstPass()));
        foreach (var (edit, bound) in new (string, double?)[] { ("body", 5), ("member", 5), ("type", 5), ("record", null) })
            Print(output, edit == "record" ? "edit of a record of a skill" : "edit elsewhere: " + edit, bound, Enumerable.Range(0, Warmups + 60).Select(_ => typing.Edit(edit)));
        return 0;
    }

    private static void Print(TextWriter output, string what, double? bound, IEnumerable<double> all)
    {
        var times = all.Skip(Warmups).Order().ToList();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{what,-32} median {times[times.Count / 2],8:F2} ms   fastest {times[0],8:F2}   slowest {times[^1],8:F2}   of {times.Count}{(bound is null ? "" : $"   must be under {bound} ms")}"));
    }
}
