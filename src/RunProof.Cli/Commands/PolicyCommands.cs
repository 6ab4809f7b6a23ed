using System.CommandLine;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RunProof.Policies;

namespace RunProof.Cli;

/// <summary><c>policy apply|list|show|retire|check</c>.</summary>
internal static class PolicyCommands
{
    private static readonly Argument<string> File = new("FILE") { Description = "A policy document, YAML or JSON; - for standard input." };
    private static readonly Argument<string> Name = new("NAME") { Description = "The policy's name." };
    private static readonly Option<string?> Plan = new("--plan") { HelpName = "FILE", Description = "A plan: ask the runner what its steps would come to, with the document as if it were in force." };
    private static readonly Option<string?> Agent = new("--agent") { HelpName = "ID", Description = "The agent on whose behalf the plan would be executed." };

    internal static Command Create(World world) => new("policy", "Policies: what runs may do. Changes need a key of scope governor.")
    {
        new Command("apply", "Put a policy in force; for all runners within two seconds.") { File }.Does(world, ApplyAsync),
        new Command("list", "List policies and their versions.").Does(world, ListAsync),
        new Command("show", "Show a policy's versions, and the document that is in force.") { Name }.Does(world, ShowAsync),
        new Command("retire", "Take a policy out of force.") { Name }.Does(world, RetireAsync),
        new Command("check", "Check a document, without a service; with --plan: what a plan's steps would come to.") { File, Plan, Agent }.Does(world, CheckAsync),
    };

    private static async Task<Answer> ApplyAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var (bytes, policy) = await ReadAsync(invocation, cancellationToken);
        var runner = Services.Runner(invocation);
        var document = await runner.PutAsync($"api/v1/policies/{policy.Name}", bytes, "application/yaml", cancellationToken);
        return Fields(document, runner.View(document, WireContext.Default.PolicyView));
    }

    private static async Task<Answer> ListAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var runner = Services.Runner(invocation);
        var document = await runner.GetAsync("api/v1/policies", cancellationToken);
        return new Answer(JsonNode.Parse(document.GetRawText())!, page =>
            page.Table(Columns, [.. runner.Items(document).Select(item => Row(runner.View(item, WireContext.Default.PolicyView)))], "no policies"));
    }

    private static async Task<Answer> ShowAsync(Invocation invocation, CancellationToken cancellationToken) =>
        Versions(await Services.Runner(invocation).GetAsync($"api/v1/policies/{Uri.EscapeDataString(invocation.Get(Name))}", cancellationToken), Services.Runner(invocation));

    private static async Task<Answer> RetireAsync(Invocation invocation, CancellationToken cancellationToken) =>
        Versions(
            await Services.Runner(invocation).PostAsync($"api/v1/policies/{Uri.EscapeDataString(invocation.Get(Name))}/retire", new JsonObject(), cancellationToken),
            Services.Runner(invocation));

    private static async Task<Answer> CheckAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var (bytes, policy) = await ReadAsync(invocation, cancellationToken);
        if (invocation.Get(Plan) is not { } file)
        {
            var summary = new JsonObject { ["name"] = policy.Name, ["version"] = policy.Version, ["digest"] = policy.Digest.ToString(), ["rules"] = policy.Rules.Count };
            return new Answer(summary, page => page.Fields(("policy", policy.Name), ("version", policy.Version), ("digest", policy.Digest.ToString()), ("rules", policy.Rules.Count.ToString(System.Globalization.CultureInfo.InvariantCulture))));
        }

        var runner = Services.Runner(invocation);
        var body = new JsonObject { ["plan"] = await PlanAsync(file, invocation.World, cancellationToken), ["document"] = Encoding.UTF8.GetString(bytes) };
        if (invocation.Get(Agent) is { } agent)
            body["agent_id"] = agent;
        var document = await runner.PostAsync("api/v1/policies/check", body, cancellationToken);
        var check = runner.View(document, WireContext.Default.PolicyCheckView);
        var isRefused = check.Steps.Any(step => !step.MayExecute);
        return new Answer(JsonNode.Parse(document.GetRawText())!, page => page.Table(
            ["STEP", "SKILL", "DECISION", "POLICY", "RULE", "REASON"],
            [.. check.Steps.Select(step => new Cell[] { step.PlanStep, step.Skill, step.Decision.Decision, step.Decision.Policy, step.Decision.Rule, step.Decision.Reason })], "no steps"))
        {
            ExitCode = isRefused ? ExitCode.Error : ExitCode.Ok,
        };
    }

    private static async Task<(byte[] Bytes, PolicyDocument Policy)> ReadAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var file = invocation.Get(File);
        var bytes = await InputFile.ReadAsync(file, invocation.World, cancellationToken, PolicyReader.MaxBytes);
        var reading = PolicyReader.Read(bytes);
        return reading.Policy is { } policy
            ? (bytes, policy)
            : throw CommandException.Usage($"{file} is no policy: {string.Join("; ", reading.Errors)}", "src/POLICIES.md describes policies");
    }

    private static async Task<JsonNode> PlanAsync(string file, World world, CancellationToken cancellationToken)
    {
        try
        {
            return JsonNode.Parse(await InputFile.ReadAsync(file, world, cancellationToken, 1 << 20))!;
        }
        catch (JsonException problem)
        {
            throw CommandException.Usage($"{file} is not JSON: {problem.Message}");
        }
    }

    private static string[] Columns => ["POLICY", "VERSION", "STATUS", "CREATED", "BY", "DIGEST"];

    private static Cell[] Row(PolicyView policy) => [policy.Name, policy.Version, policy.Status, policy.CreatedAt, policy.CreatedBy, policy.Digest];

    private static Answer Fields(JsonElement document, PolicyView policy) => new(JsonNode.Parse(document.GetRawText())!, page => page.Fields(
        ("policy", policy.Name), ("version", policy.Version), ("status", policy.Status), ("digest", policy.Digest), ("created", policy.CreatedAt), ("by", policy.CreatedBy)));

    private static Answer Versions(JsonElement document, ApiClient runner)
    {
        var policy = runner.View(document, WireContext.Default.PolicyVersionsView);
        return new Answer(JsonNode.Parse(document.GetRawText())!, page =>
        {
            page.Table(Columns, [.. policy.Versions.Select(Row)], "no versions");
            if (policy.Versions.FirstOrDefault(version => version.Status == "active") is { Document: { } text })
                page.Line(Tone.Plain, text);
        });
    }
}
