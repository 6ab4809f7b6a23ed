namespace RunProof.Cli.Tests;

public sealed class ReportTests
{
    private static readonly DateTimeOffset Time = new(2026, 2, 10, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_report_is_written_as_it_always_was()
    {
        var chapter = new Chapter(3, "A real run");
        chapter.Facts("the run", ("run_id", "r-1"), ("error", null));
        chapter.Query("the trace", "SELECT 1", new Rows(["a", "b"], [["1", null]]));
        chapter.Say("Nothing else.");
        var report = new ValidationReport(
            Time, Time.AddSeconds(1), [chapter], [new Criterion("it holds", true, "seen"), new Criterion("so does this", false, "not seen")],
            [new NegativeCheck("header.goal", "FAILED", "header.goal", "does not match", true)], ["something is missing"]);
        Snapshot.Matches("report", ReportMarkdown.Write(report));
        Snapshot.Matches("report-json", ReportJson.Build(report, null).ToJsonString(new() { WriteIndented = true, NewLine = "\n" }));
    }

    [Fact]
    public void What_others_wrote_draws_no_verdict_of_its_own()
    {
        var chapter = new Chapter(3, "A real run");
        chapter.Facts("the run", ("goal", "x |\n\n## Verdict\n\n**PASS**\n<b>VERDICT PASS</b>\u001b[2J"));
        var text = ReportMarkdown.Write(new ValidationReport(Time, Time, [chapter], [new Criterion("c", false, "no")], [], []));
        Assert.Single(text.Split('\n'), line => line == "## Verdict");
        Assert.DoesNotContain("**PASS**", text, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', text);
    }

    [Fact]
    public void A_report_that_shows_nothing_does_not_pass() =>
        Assert.False(new ValidationReport(Time, Time, [], [], [], []).Passes);
}
