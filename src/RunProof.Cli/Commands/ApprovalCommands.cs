using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace RunProof.Cli;

/// <summary><c>approval list|show|approve|reject</c>.</summary>
internal static class ApprovalCommands
{
    private static readonly Argument<string> Id = new("APPROVAL-ID") { Description = "The approval: apr_…" };
    private static readonly Option<string?> Status = new Option<string?>("--status") { HelpName = "STATUS", Description = "Only those that stand here." }
        .AcceptOnly("pending", "approved", "rejected", "expired", "withdrawn");
    private static readonly Option<string?> OfRun = new("--run") { HelpName = "RUN-ID", Description = "Only this run's." };
    private static readonly Option<int?> Limit = new("--limit") { HelpName = "N", Description = "At most so many, 1 to 200. Default: 50." };
    private static readonly Option<string?> Cursor = new("--cursor") { HelpName = "CURSOR", Description = "Where the page before ended." };
    private static readonly Option<bool> All = new("--all") { Description = "All pages." };
    private static readonly Option<string?> Digest = new("--digest") { HelpName = "HEX", Description = "The digest of the action that you were shown. Without it the action is shown, and you are asked." };
    private static readonly Option<string?> Reason = new("--reason") { HelpName = "TEXT", Description = "Why; it goes into the run's evidence." };

    internal static Command Create(World world) => new("approval", "Approvals: what runs ask people. Decisions need a key of scope approver.")
    {
        new Command("list", "List what runs ask, the newest first.") { Status, OfRun, Limit, Cursor, All }.Does(world, ListAsync),
        new Command("show", "Show the exact action that people are asked about, and its digest.") { Id }.Does(world, ShowAsync),
        new Command("approve", "Approve an action; its run goes on.") { Id, Digest, Reason }.Does(world, (invocation, cancel) => DecideAsync(invocation, "approve", cancel)),
        new Command("reject", "Reject an action; its step is blocked.") { Id, Digest, Reason }.Does(world, (invocation, cancel) => DecideAsync(invocation, "reject", cancel)),
    };

    private static async Task<Answer> ListAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var runner = Services.Runner(invocation);
        (string, string?)[] query = [("status", invocation.Get(Status)), ("run_id", invocation.Get(OfRun)), ("limit", Listing.Text(invocation.Get(Limit)))];
        var (items, next) = await Listing.ReadAsync(runner, "api/v1/approvals", query, ("cursor", invocation.Get(Cursor)), invocation.Get(All), cancellationToken);
        return new Answer(new JsonObject { ["items"] = items, ["next"] = next }, page =>
        {
            var rows = items.Select(item => runner.View(JsonSerializer.SerializeToElement(item), WireContext.Default.ApprovalView)).Select(Row).ToArray();
            page.Table(["APPROVAL", "STATUS", "RUN", "STEP", "SKILL", "RULE", "VALID UNTIL"], rows, "nothing is asked");
            if (next is not null)
                page.Line(Tone.Quiet, $"more: --cursor {next}, or --all");
        });
    }

    private static async Task<Answer> ShowAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var (document, approval) = await ReadAsync(invocation, cancellationToken);
        return new Answer(JsonNode.Parse(document.GetRawText())!, page => Write(page, approval));
    }

    // What is decided is the action that was shown: the digest of the text is computed here, and both digests go with the decision.
    private static async Task<Answer> DecideAsync(Invocation invocation, string decision, CancellationToken cancellationToken)
    {
        var (document, approval) = await ReadAsync(invocation, cancellationToken);
        if (invocation.Get(Digest) is { } digest)
        {
            if (!string.Equals(digest, approval.ActionDigest, StringComparison.OrdinalIgnoreCase) && !string.Equals(digest, approval.ShownDigest, StringComparison.OrdinalIgnoreCase))
                throw new CommandException(ExitCode.Error, "action_changed", $"the action is another one: its digest is {approval.ActionDigest}", "look at it again: runproof approval show");
        }
        else
        {
            await AskAsync(invocation, approval, decision, cancellationToken);
        }

        var body = new JsonObject { ["action_digest"] = approval.ActionDigest, ["shown_digest"] = approval.ShownDigest };
        if (invocation.Get(Reason) is { } reason)
            body["reason"] = reason;
        var runner = Services.Runner(invocation);
        document = await runner.PostAsync($"{PathOf(invocation)}/{decision}", body, cancellationToken);
        var decided = runner.View(document, WireContext.Default.ApprovalView);
        return new Answer(JsonNode.Parse(document.GetRawText())!, page => page.Fields(
            ("approval", decided.Id), ("status", decided.Status), ("run", decided.RunId), ("decisions", string.Join("; ", decided.Decisions.Select(Words)))));
    }

    private static async Task AskAsync(Invocation invocation, ApprovalView approval, string decision, CancellationToken cancellationToken)
    {
        var terminal = invocation.World.Terminal;
        if (!terminal.ErrorIsTerminal)
            throw CommandException.Usage("nobody is here to be asked", $"--digest HEX, as runproof approval show {approval.Id} prints it");
        invocation.Tell(page => Write(page, approval));
        await terminal.Error.WriteAsync($"{decision} this action? Type yes: ");
        using var reader = new StreamReader(invocation.World.Input, Encoding.UTF8, leaveOpen: true);
        if (await reader.ReadLineAsync(cancellationToken) is not "yes")
            throw new CommandException(ExitCode.Error, "not_decided", "nothing was decided");
    }

    private static async Task<(JsonElement Document, ApprovalView Approval)> ReadAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var runner = Services.Runner(invocation);
        var document = await runner.GetAsync(PathOf(invocation), cancellationToken);
        var approval = runner.View(document, WireContext.Default.ApprovalView);
        if (approval.Shown is not { } shown)
            return (document, approval);
        // What is printed is read from the very text that the digest covers.
        var computed = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("runproof/v1/approval\n" + shown)));
        if (computed != approval.ShownDigest)
            throw new CommandException(ExitCode.Failed, "action_changed", "what is shown is not what was asked: its digest is another one", "somebody changed it in the database; reject nothing, approve nothing, ask the operator");
        using var action = JsonDocument.Parse(shown, new JsonDocumentOptions { MaxDepth = 512 });
        return (document, approval with { Action = action.RootElement.Clone() });
    }

    private static string PathOf(Invocation invocation) => $"api/v1/approvals/{Uri.EscapeDataString(invocation.Get(Id))}";

    private static Cell[] Row(ApprovalView approval) =>
        [approval.Id, approval.Status, approval.RunId, approval.PlanStep, approval.Skill, approval.Rule is null ? null : $"{approval.Policy}/{approval.Rule}", approval.ValidUntil];

    private static string Words(ApprovalDecisionView decision) => $"{decision.Decision} by {decision.By} at {decision.At}{(decision.Reason is { } reason ? ": " + reason : "")}";

    private static void Write(Page page, ApprovalView approval)
    {
        page.Fields(
            ("approval", approval.Id), ("status", approval.Status), ("run", approval.RunId), ("step", approval.PlanStep), ("skill", approval.Skill),
            ("asked by", approval.Rule is null ? "the plan" : $"policy {approval.Policy}, rule {approval.Rule}"), ("valid until", approval.ValidUntil),
            ("approvers", approval.Approvers is { } names ? string.Join(", ", names) : null), ("needed", approval.Needed > 1 ? Listing.Text(approval.Needed) : null),
            ("decisions", approval.Decisions.Count == 0 ? null : string.Join("; ", approval.Decisions.Select(Words))), ("digest", approval.ActionDigest),
            ("shown digest", approval.ShownDigest));
        if (approval.Action is not { ValueKind: JsonValueKind.Object } action)
            return;
        page.Line();
        page.Line(JsonNode.Parse(action.GetRawText())!.ToJsonString(Indented));
    }

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true, NewLine = "\n", Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
