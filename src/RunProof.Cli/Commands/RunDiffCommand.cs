using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using RunProof.Verification;

namespace RunProof.Cli;

/// <summary><c>run diff A B</c>: of two runs, or of two bundle files without any server.</summary>
internal static class RunDiffCommand
{
    /// <summary>Differences on a page; a program gets them all.</summary>
    private const int Shown = 25;

    /// <summary>Steps whose times are shown: those furthest apart.</summary>
    private const int ShownTimes = 5;

    private static readonly Argument<string> A = new("A") { Description = "A run's id, or a proof bundle's file (.runproof.json)." };
    private static readonly Argument<string> B = new("B") { Description = "Another; both are ids, or both are files." };
    private static readonly Option<string?> ATrace = new("--a-trace") { HelpName = "TRACE", Description = "Of run A this trace. Default: its last." };
    private static readonly Option<string?> BTrace = new("--b-trace") { HelpName = "TRACE", Description = "Of run B this trace. Default: its last." };

    internal static Command Create(World world) =>
        new Command("diff", "Compare two runs: plan, steps, parameters, outcomes, cost, time. Both are recomputed first. Exit code 0 alike, 1 they differ, 5 not all could be compared, 10 a proof FAILED.") { A, B, ATrace, BTrace }
            .Does(world, RunAsync);

    private static async Task<Answer> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var (a, b) = (invocation.Get(A), invocation.Get(B));
        if (File.Exists(a) != File.Exists(b))
            throw CommandException.Usage($"{(File.Exists(a) ? b : a)} is no file, and {(File.Exists(a) ? a : b)} is one", "compare two runs, or two bundle files: runproof run export writes them");
        var json = File.Exists(a) ? await OfFilesAsync(a, b, invocation, cancellationToken) : await OfRunsAsync(a, b, invocation, cancellationToken);
        var verdicts = new[] { "a", "b" }.Select(side => json.GetProperty(side).GetProperty("verification_status").GetString()).ToArray();
        var exit = verdicts.Contains("FAILED") ? ExitCode.Failed
            : json.GetProperty("differs").GetBoolean() ? ExitCode.Error
            : json.GetProperty("alike").GetBoolean() ? ExitCode.Ok
            : ExitCode.Unsupported;
        return new Answer(JsonNode.Parse(json.GetRawText())!, page => Write(page, json, exit), exit);
    }

    private static async Task<JsonElement> OfRunsAsync(string a, string b, Invocation invocation, CancellationToken cancellationToken)
    {
        var verifier = Services.Verifier(invocation);
        var path = $"{RunCommands.PathOf(a)}/diff/{Uri.EscapeDataString(b)}" + Listing.Query(("a_trace", invocation.Get(ATrace)), ("b_trace", invocation.Get(BTrace)));
        var found = await invocation.World.Terminal.WhileAsync("comparing", () => verifier.GetAsync(path, cancellationToken));
        return Comparisons.Object(found, "a", "b", "differs", "alike", "run", "differences") ? found : throw verifier.NotOurs("it answers with no comparison");
    }

    private static async Task<JsonElement> OfFilesAsync(string a, string b, Invocation invocation, CancellationToken cancellationToken)
    {
        if (invocation.Get(ATrace) is not null || invocation.Get(BTrace) is not null)
            throw CommandException.Usage("a bundle holds one trace: not --a-trace or --b-trace with files");
        var (one, other) = (await SourceAsync(a, invocation, cancellationToken), await SourceAsync(b, invocation, cancellationToken));
        using var document = JsonDocument.Parse((await TraceDiff.OfAsync(one, other, cancellationToken)).ToJson());
        return document.RootElement.Clone();
    }

    private static async Task<TraceSource> SourceAsync(string file, Invocation invocation, CancellationToken cancellationToken)
    {
        var bytes = await InputFile.ReadAsync(file, invocation.World, cancellationToken);
        return BundleReader.TryRead(bytes, out var bundle, out var faults)
            ? TraceSource.Of(bundle)
            : throw CommandException.Usage($"{file} is no proof bundle: {faults[0].Place}: {faults[0].Message}");
    }

    private static void Write(Page page, JsonElement diff, int exit)
    {
        var (a, b) = (diff.GetProperty("a"), diff.GetProperty("b"));
        page.Line(exit == ExitCode.Ok ? Tone.Good : exit == ExitCode.Unsupported ? Tone.Open : Tone.Bad, exit switch
        {
            ExitCode.Ok => "alike",
            ExitCode.Unsupported => "no difference found, and not everything could be compared",
            ExitCode.Failed => "not verified: what differs below proves nothing",
            _ => "they differ",
        });
        page.Table(["", "A", "B"], [.. Rows(a, b)], "");
        page.Fields(
            ("compared", string.Create(CultureInfo.InvariantCulture, $"{Comparisons.Text(diff, "steps_compared")} steps, {Comparisons.Text(diff, "steps_alike")} alike, {Comparisons.Text(diff, "only_a")} only in A, {Comparisons.Text(diff, "only_b")} only in B")),
            ("differences", Comparisons.Text(diff, "difference_count")),
            ("order", Comparisons.Order(diff)),
            ("varies", Comparisons.Varied(diff)));
        Comparisons.Lines(page, "DIFFERENCE", [.. diff.GetProperty("run").EnumerateArray().Select(static each => Comparisons.Row(Comparisons.Text(each, "place"), "", each, "a", "b")),
            .. diff.GetProperty("differences").EnumerateArray().Select(static each => Comparisons.Row(Comparisons.Text(each, "kind"), Comparisons.Step(each, "b_step", "a_step"), each, "a", "b"))], "A", "B", Shown);
        Times(page, diff);
        Comparisons.Hidden(page, diff);
    }

    private static void Times(Page page, JsonElement diff)
    {
        if (!diff.TryGetProperty("times", out var times) || times.GetArrayLength() == 0)
            return;
        page.Line();
        page.Table(["TIME", "A MS", "B MS"], [.. times.EnumerateArray().Take(ShownTimes).Select(static time => (Cell[])[
            Comparisons.Text(time, "plan_step") + (time.GetProperty("attempt").GetInt32() is var attempt and > 0 ? string.Create(CultureInfo.InvariantCulture, $", attempt {attempt + 1}") : ""),
            Comparisons.Text(time, "a_ms"), Comparisons.Text(time, "b_ms")])], "");
    }

    private static IEnumerable<Cell[]> Rows(JsonElement a, JsonElement b)
    {
        foreach (var name in (string[])["run_id", "verification_status", "failure_reason", "status", "planner", "steps", "failed_steps", "cost_cents", "duration_ms", "started_at", "root_hash"])
        {
            var (left, right) = (Comparisons.Text(a, name), Comparisons.Text(b, name));
            if (left is not null || right is not null)
                yield return [name.Replace('_', ' '), Short(name, left), Short(name, right)];
        }
    }

    // The whole of it would make every page as wide as two hashes.
    private static string? Short(string name, string? value) => name is "root_hash" && value is { Length: > 16 } ? value[..16] + "…" : value;
}

/// <summary>How comparisons are read and shown.</summary>
internal static class Comparisons
{
    /// <summary>Whether an answer is an object with these members.</summary>
    internal static bool Object(JsonElement answer, params ReadOnlySpan<string> members)
    {
        if (answer.ValueKind is not JsonValueKind.Object)
            return false;
        foreach (var member in members)
        {
            if (!answer.TryGetProperty(member, out _))
                return false;
        }

        return true;
    }

    /// <summary>A member as text; null where it is null or not there.</summary>
    internal static string? Text(JsonElement value, string member) =>
        value.TryGetProperty(member, out var found) && found.ValueKind is not JsonValueKind.Null ? found.ToString() : null;

    /// <summary>A step by its name and index.</summary>
    internal static string Step(JsonElement difference, string index, string otherIndex) => string.Create(
        CultureInfo.InvariantCulture, $"{Text(difference, "plan_step")} [{Text(difference, index) ?? Text(difference, otherIndex)}]");

    /// <summary>A row: what, where, and the two values.</summary>
    internal static Cell[] Row(string? kind, string step, JsonElement difference, string left, string right) =>
        [kind, step, string.Join(' ', new[] { Text(difference, "place"), Text(difference, "path") }.Where(static text => text is { Length: > 0 })), Text(difference, left), Text(difference, right)];

    /// <summary>The table of differences.</summary>
    internal static void Lines(Page page, string heading, IReadOnlyList<Cell[]> rows, string left, string right, int shown)
    {
        if (rows.Count == 0)
            return;
        page.Line();
        page.Table([heading, "STEP", "PLACE", left, right], [.. rows.Take(shown)], "");
        if (rows.Count > shown)
            page.Line(string.Create(CultureInfo.InvariantCulture, $"… and {rows.Count - shown} more: --json shows them"));
    }

    /// <summary>Steps in another order that nothing forbids; null where there are none.</summary>
    internal static string? Order(JsonElement report) => Count(report, "steps_reordered") is var count and > 0
        ? string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? "step" : "steps")} recorded in another order: of branches that do not depend on each other, which is no difference") : null;

    /// <summary>What skills said varies; null where nothing of it did.</summary>
    internal static string? Varied(JsonElement report) => Count(report, "varied") is var count and > 0
        ? string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? "place" : "places")} of which the skill said that they vary, not counted") : null;

    private static int Count(JsonElement report, string member) => report.TryGetProperty(member, out var found) && found.ValueKind is JsonValueKind.Number ? found.GetInt32() : 0;

    /// <summary>What could not be compared.</summary>
    internal static void Hidden(Page page, JsonElement report)
    {
        if (report.GetProperty("not_comparable_count").GetInt32() is var count and > 0)
            page.Line(Tone.Open, string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? "payload" : "payloads")} could not be compared: redacted, erased or withheld"));
    }
}
