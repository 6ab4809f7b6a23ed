using System.CommandLine;
using Npgsql;
using RunProof.Format;

namespace RunProof.Cli;

/// <summary><c>validate</c>.</summary>
internal static class ValidateCommand
{
    private static readonly Option<string?> Report = new("--report") { HelpName = "FILE", Description = "Where the report goes, as Markdown. Default: RUNPROOF_REPORT, else standard output." };
    private static readonly Option<string?> Tenant = new("--tenant") { HelpName = "ID", Description = "The tenant that the key must be of. Default: the one that the verifier names." };

    internal static Command Create(World world) =>
        new Command("validate", "Create real runs, prove them, try to cheat, and report. Exit code 0 PASS, 10 FAIL. Ends with the lines VERDICT and REPORT.") { Report, Tenant }
            .Does(world, RunAsync);

    private static async Task<Answer> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        TenantId? tenant = null;
        if (invocation.Get(Tenant) is { } text)
            tenant = TenantId.TryParse(text, out var parsed) ? parsed : throw CommandException.Usage($"--tenant {text} is not a tenant id", "1 to 64 of A-Z a-z 0-9 . _ -");
        var connection = Database.ConnectionOf(invocation);
        await using var source = NpgsqlDataSource.Create(connection);
        var scene = new Scene
        {
            Runner = Services.Runner(invocation),
            Verifier = Services.Verifier(invocation),
            Database = new EvidenceDatabase(connection, source),
            Judge = new VerificationJudge(),
            Clock = invocation.World.Clock,
            Assemblies = AppContext.BaseDirectory,
            NamedTenant = tenant,
        };
        var report = await invocation.World.Terminal.WhileAsync("validating", () => Validation.RunAsync(scene, cancellationToken));
        var path = invocation.Get(Report) ?? invocation.World.Variable("RUNPROOF_REPORT");
        var markdown = ReportMarkdown.Write(report);
        if (path is not null)
            await WriteAsync(path = Path.GetFullPath(path), markdown, cancellationToken);
        return new Answer(ReportJson.Build(report, path), page => Write(page, report, path, markdown), report.Passes ? ExitCode.Ok : ExitCode.Failed);
    }

    private static async Task WriteAsync(string path, string markdown, CancellationToken cancellationToken)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.Error, "not_written", $"the report cannot be written: {problem.Message}", "give another --report FILE");
        }

        await OutputFile.WriteAsync(path, System.Text.Encoding.UTF8.GetBytes(markdown), cancellationToken);
    }

    private static void Write(Page page, ValidationReport report, string? path, string markdown)
    {
        if (path is null)
        {
            foreach (var line in markdown.Split('\n'))
                page.Line(line);
        }
        else
        {
            page.Table(
                ["HOLDS", "CRITERION", "OBSERVED"],
                [.. report.Criteria.Select(criterion => new Cell[] { criterion.Holds ? new("yes", Tone.Good) : new("NO", Tone.Bad), criterion.Text, criterion.Observed })],
                "no criteria");
            foreach (var warning in report.Warnings)
                page.Line(Tone.Open, $"warning: {warning}");
        }

        page.Line(report.Passes ? Tone.Good : Tone.Bad, $"VERDICT {report.Verdict}");
        page.Line($"REPORT {path ?? "-"}");
    }
}
