using System.CommandLine;
using System.Text.Json.Nodes;

namespace RunProof.Cli;

/// <summary><c>run prove</c>: asks the verifier.</summary>
internal static class RunProofCommand
{
    private static readonly Argument<string> Id = new("RUN") { Description = "The run's id." };
    private static readonly Option<string?> Model = new Option<string?>("--model") { HelpName = "MODEL", Description = "HASH_CHAIN (default) or MERKLE_TREE." }.AcceptOnly("HASH_CHAIN", "MERKLE_TREE");
    private static readonly Option<bool> Payloads = new("--include-payloads") { Description = "With --json: the recorded parameters and outcomes too." };

    internal static Command Create(World world) =>
        new Command("prove", "Verify a run's evidence and say what was checked. Exit code 0 VERIFIED, 5 UNSUPPORTED, 10 FAILED.") { Id, Model, Payloads }
            .Does(world, RunAsync);

    /// <summary>What a verdict is to the shell.</summary>
    /// <param name="status">The verdict.</param>
    internal static int ExitCodeOf(string status) => status switch
    {
        "VERIFIED" => ExitCode.Ok,
        "UNSUPPORTED" => ExitCode.Unsupported,
        "FAILED" => ExitCode.Failed,
        _ => throw new CommandException(ExitCode.Error, "not_runproof", $"the verifier gave a verdict that this version does not know: {status}"),
    };

    /// <summary>A verdict is no better than the answer around it: one about another run, or that its own checks speak against, is none.</summary>
    private static string? Contradiction(ProofView proof, string run, string model)
    {
        if (proof.RunId != run)
            return $"it was asked for run {run} and proves run {proof.RunId}";
        if (proof.IntegrityModel != model)
            return $"it was asked for {model} and checked {proof.IntegrityModel ?? "nothing that it names"}";
        return proof.VerificationStatus == "VERIFIED" && (proof.FailureCode is not null || proof.Checks.Any(check => check.Status == "failed") || proof.Checks.All(check => check.Status != "passed"))
            ? "it says VERIFIED, and its own checks do not"
            : null;
    }

    private static async Task<Answer> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var verifier = Services.Verifier(invocation);
        // The seal of a run that has just ended enters the log within a batch or two; a proof without it says less than it could.
        var query = Listing.Query(("model", invocation.Get(Model)), ("include_payloads", invocation.Get(Payloads) ? "true" : null), ("wait", "10"));
        var path = RunCommands.PathOf(invocation.Get(Id)) + "/proof" + query;
        var document = await invocation.World.Terminal.WhileAsync("verifying", () => verifier.GetAsync(path, cancellationToken, TimeSpan.FromSeconds(10)));
        var proof = verifier.View(document, WireContext.Default.ProofView);
        if (Contradiction(proof, invocation.Get(Id), invocation.Get(Model) ?? "HASH_CHAIN") is { } wrong)
            throw verifier.NotOurs(wrong);
        return new Answer(JsonNode.Parse(document.GetRawText())!, page => Write(page, proof), ExitCodeOf(proof.VerificationStatus));
    }

    private static void Write(Page page, ProofView proof)
    {
        page.Line(ToneOf(proof.VerificationStatus), $"{proof.VerificationStatus}  run {proof.RunId}");
        if (proof.FailureReason is not null)
            page.Line($"{proof.FailureReason} ({proof.FailureCode})");
        page.Fields(
            ("model", proof.IntegrityModel),
            ("root hash", proof.RootHash),
            ("chain length", Listing.Text(proof.ChainLength)),
            ("traces", Listing.Text(proof.TraceCount)),
            ("steps", Listing.Text(proof.StepCount)),
            ("side records", proof.SideRecords is { } side ? $"{side.Status}, {side.Score}" : null),
            ("verified at", proof.VerifiedAt));
        page.Line();
        page.Table(["CHECK", "RESULT", "DETAIL"], [.. proof.Checks.Select(check => new Cell[] { check.Name, new(Words(check.Status), ToneOf(check.Status)), check.Detail })], "no checks were made");
        // What is wrong beside the evidence is told with what is wrong with it; the verdict does not rest on it.
        IReadOnlyList<FindingView> findings = [.. proof.Findings, .. proof.SideRecords?.Findings ?? []];
        if (findings.Count == 0)
            return;
        page.Line();
        page.Table(["FINDING", "PLACE", "MESSAGE"], [.. findings.Select(finding => new Cell[] { finding.Code, finding.Place, finding.Message })], "");
    }

    private static string Words(string status) => status.Replace('_', ' ');

    /// <summary>How a verdict or the outcome of a check is shown.</summary>
    internal static Tone ToneOf(string status) => status switch
    {
        "VERIFIED" or "passed" => Tone.Good,
        "FAILED" or "failed" => Tone.Bad,
        _ => Tone.Open,
    };

    /// <summary>Refuses other words than these.</summary>
    internal static Option<string?> AcceptOnly(this Option<string?> option, params string[] words)
    {
        option.AcceptOnlyFromAmong(words);
        return option;
    }
}
