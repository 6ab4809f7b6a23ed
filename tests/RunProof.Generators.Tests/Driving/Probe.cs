using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RunProof.Format;
using RunProof.Generators.Tests.Samples;

namespace RunProof.Generators.Tests.Driving;

/// <summary>
/// What a process makes of the samples: digests of the generated code and of canonical bytes, and of what it makes of a few values by its own culture and
/// time zone, which must differ between processes, or nothing would have been tested.
/// </summary>
internal static class Probe
{
    public static int Run(TextWriter output)
    {
        output.WriteLine("globalization " + (HasCultures() ? "with the data of cultures" : "invariant"));
        output.WriteLine("culture " + (CultureInfo.CurrentCulture.Name is { Length: > 0 } name ? name : "invariant"));
        output.WriteLine("zone " + TimeZoneInfo.Local.GetUtcOffset(new DateTime(2026, 2, 10, 0, 0, 0, DateTimeKind.Utc)).ToString("c", CultureInfo.InvariantCulture));
        output.WriteLine("local " + Hex(Encoding.UTF8.GetBytes(Local())));
        output.WriteLine("code " + Digest(Generation.Sources([.. Repository.Samples(), ("Casing.cs", Casing)]).Select(static source => source.Key + "\n" + source.Value)));
        output.WriteLine("bytes " + Digest(Canonical().Select(Convert.ToHexString)));
        return 0;
    }

    // Letters that a Turkish or Lithuanian process would lower otherwise, and a number that a German one would write with a comma.
    private const string Casing = """
        using RunProof.Format;
        [Canonical] public sealed partial record IDWithDotlessI(int ID, int TITLEIndex, string IIi = "I", double Half = 0.5, decimal Price = 1234.5m);
        public enum Iris { IRIS, INDIGO }
        [Canonical(Name = "I.i")] public sealed partial record HoldsIris(Iris Iris = Iris.INDIGO);
        """;

    private static bool HasCultures()
    {
        try
        {
            return new CultureInfo("tr-TR").TextInfo.ToUpper('i') == '\u0130';
        }
        catch (CultureNotFoundException)
        {
            return false;
        }
    }

    private static string Local() =>
        string.Join('|', "title".ToUpper(CultureInfo.CurrentCulture), 1234.5.ToString(CultureInfo.CurrentCulture), new DateTime(2026, 2, 10).ToString("d", CultureInfo.CurrentCulture), TimeZoneInfo.Local.BaseUtcOffset);

    private static IEnumerable<byte[]> Canonical()
    {
        yield return CanonicalBytes.Of(Values.Scalars);
        yield return CanonicalBytes.Of(Values.Absent);
        yield return CanonicalBytes.Of(Values.Order);
        yield return CanonicalBytes.Of(Values.Collections);
        yield return CanonicalBytes.Of(Values.Dog);
        var random = new Random(3);
        for (var i = 0; i < 2_000; i++)
        {
            // A time as this process would know it: the local one of an instant.
            var instant = new DateTimeOffset(random.NextInt64(DateTime.UnixEpoch.Ticks, new DateTime(2100, 1, 1).Ticks), TimeSpan.Zero);
            yield return CanonicalBytes.Of(Values.Scalars with
            {
                Time = TimeZoneInfo.ConvertTime(instant, TimeZoneInfo.Local),
                Double = random.NextDouble() * Math.Pow(10, random.Next(-30, 30)),
                Single = random.NextSingle(),
                Amount = new decimal(random.Next(), random.Next(), 0, random.Next(2) == 0, (byte)random.Next(29)),
                Long = random.NextInt64(long.MinValue, long.MaxValue),
                Number = random.Next(int.MinValue, int.MaxValue),
                Duration = TimeSpan.FromTicks(random.NextInt64(-1_000_000_000, 1_000_000_000)),
                Text = "I\u0130\u0131i\u00df\u1e9e " + random.Next().ToString(CultureInfo.InvariantCulture),
            });
        }
    }

    private static string Digest(IEnumerable<string> texts) => Hex(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', texts))));

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
