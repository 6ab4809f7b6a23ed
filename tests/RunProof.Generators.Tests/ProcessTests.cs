using System.Diagnostics;
using System.Runtime.InteropServices;

namespace RunProof.Generators.Tests;

/// <summary>The same code and the same bytes in real processes of different culture, time zone and globalization mode.</summary>
public sealed class ProcessTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Processes_of_any_culture_and_time_zone_give_the_same_code_and_bytes()
    {
        var probes = new List<Dictionary<string, string>>
        {
            await Probe("C", "UTC", invariant: false),
            await Probe("tr_TR.UTF-8", "Asia/Kathmandu", invariant: false),
            await Probe("fa_IR.UTF-8", "America/St_Johns", invariant: false),
            await Probe("de_DE.UTF-8", "Pacific/Apia", invariant: true),
        };
        Assert.Single(probes.Select(static probe => probe["code"]).Distinct(StringComparer.Ordinal));
        Assert.Single(probes.Select(static probe => probe["bytes"]).Distinct(StringComparer.Ordinal));

        // What would not have differed anyway has not been tested. How much of it does, the machine decides, and the output says: Windows takes neither
        // variable, and a small image may lack the data of cultures or of time zones.
        Assert.Equal("invariant", probes[3]["globalization"]);
        if (OperatingSystem.IsWindows())
            return;
        if (probes[1]["globalization"] != "invariant")
            Assert.Equal(["tr-TR", "fa-IR"], probes.Skip(1).Take(2).Select(static probe => probe["culture"]));
        if (TimeZoneInfo.TryFindSystemTimeZoneById("Asia/Kathmandu", out _))
        {
            Assert.Equal(["00:00:00", "05:45:00", "-03:30:00", "13:00:00"], probes.Select(static probe => probe["zone"]));
            Assert.Equal(4, probes.Select(static probe => probe["local"]).Distinct(StringComparer.Ordinal).Count());
        }
    }

    private async Task<Dictionary<string, string>> Probe(string culture, string zone, bool invariant)
    {
        var name = Path.Combine(AppContext.BaseDirectory, "RunProof.Generators.Tests" + (OperatingSystem.IsWindows() ? ".exe" : ""));
        var start = new ProcessStartInfo(name, "probe") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var variable in new[] { "LANG", "LC_ALL", "LC_MESSAGES" })
            start.Environment[variable] = culture;
        start.Environment["TZ"] = zone;
        start.Environment["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = invariant ? "1" : null;
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var text = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        output.WriteLine($"{culture}, {zone}:\n{text}");
        Assert.True(process.ExitCode == 0, await errors);
        return text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .ToDictionary(static line => line[..line.IndexOf(' ', StringComparison.Ordinal)], static line => line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..], StringComparer.Ordinal);
    }
}
