using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using RunProof.Format;

namespace RunProof.Cli;

/// <summary><c>aos fingerprint</c>: the digest that the older AOS printed as a proof.</summary>
internal static class AosCommands
{
    private const string Caution = "for comparison only: an AOS fingerprint covers neither parameters, outcomes nor time, and proves nothing";

    private static readonly Option<string> RunId = new("--run-id") { Required = true, HelpName = "ID", Description = "The run's id, as AOS had it." };

    private static readonly Option<string[]> Steps = new("--step")
    {
        HelpName = "INDEX:SKILL:STATUS",
        Description = "A step, in order; again for each. STATUS: succeeded, failed, skipped, retrying, blocked or interrupted.",
    };

    internal static Command Create(World world) => new("aos", "Traces of the older AOS.")
    {
        new Command("fingerprint", "Print the fingerprint that AOS would print, to compare with an old report. It proves nothing.") { RunId, Steps }
            .Does(world, (invocation, _) => Task.FromResult(Fingerprint(invocation))),
    };

    private static Answer Fingerprint(Invocation invocation)
    {
        var run = invocation.Get(RunId)!;
        var steps = (invocation.Get(Steps) ?? []).Select(ParseStep).ToArray();
        var fingerprint = AosFingerprint.Of(run, steps).ToString();
        if (!invocation.Json)
            invocation.World.Terminal.Error.WriteLine(Caution);
        return new Answer(
            new JsonObject { ["run_id"] = run, ["steps"] = steps.Length, ["aos_fingerprint"] = fingerprint, ["caution"] = Caution },
            page => page.Line(fingerprint));
    }

    /// <summary>Reads <c>0:http_call:succeeded</c>; a skill's name may itself hold colons.</summary>
    private static (int Index, string Skill, StepStatus Status) ParseStep(string text)
    {
        var first = text.IndexOf(':', StringComparison.Ordinal);
        var last = text.LastIndexOf(':');
        if (first < 0 || first == last)
            throw CommandException.Usage($"--step {text} is not INDEX:SKILL:STATUS", "for example --step 0:http_call:succeeded");
        if (!int.TryParse(text[..first], NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            throw CommandException.Usage($"--step {text}: {text[..first]} is not a step index", "indexes are whole numbers from 0");
        if (!Wire.TryParse(text[(last + 1)..], out StepStatus status))
            throw CommandException.Usage($"--step {text}: {text[(last + 1)..]} is not a step's status", Spelling(text[(last + 1)..]));
        return (index, text[(first + 1)..last], status);
    }

    private static string Spelling(string word) => word switch
    {
        "success" => "AOS hashed \"success\" where the status is succeeded: write succeeded",
        "failure" => "AOS hashed \"failure\" where the status is failed: write failed",
        "retry" => "AOS hashed \"retry\" where the status is retrying: write retrying",
        _ => "write succeeded, failed, skipped, retrying, blocked or interrupted",
    };
}
