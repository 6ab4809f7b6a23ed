using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace RunProof.Cli;

/// <summary><c>agent create|list</c>.</summary>
internal static class AgentCommands
{
    private static readonly Option<string> Name = new("--name") { Required = true, HelpName = "NAME", Description = "What it is called." };
    private static readonly Option<string?> Id = new("--id") { HelpName = "ID", Description = "Its id. Default: the runner makes one." };
    private static readonly Option<string?> About = new("--description") { HelpName = "TEXT", Description = "What it does." };
    private static readonly Option<int?> Limit = new("--limit") { HelpName = "N", Description = "Agents a page." };
    private static readonly Option<string?> After = new("--after") { HelpName = "CURSOR", Description = "Where the page begins: what the page before said is next." };
    private static readonly Option<bool> All = new("--all") { Description = "All pages." };

    internal static Command Create(World world) => new("agent", "Agents: those on whose behalf runs are executed.")
    {
        new Command("create", "Create an agent.") { Name, Id, About }.Does(world, CreateAsync),
        new Command("list", "List agents.") { Limit, After, All }.Does(world, ListAsync),
    };

    private static async Task<Answer> CreateAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var runner = Services.Runner(invocation);
        var body = new JsonObject { ["name"] = invocation.Get(Name) };
        if (invocation.Get(Id) is { } id)
            body["id"] = id;
        if (invocation.Get(About) is { } description)
            body["description"] = description;
        var document = await runner.PostAsync("api/v1/agents", body, cancellationToken);
        var agent = runner.View(document, WireContext.Default.AgentView);
        return new Answer(JsonNode.Parse(document.GetRawText())!, page => page.Fields(
            ("agent", agent.Id), ("name", agent.Name), ("description", agent.Description), ("created", agent.CreatedAt)));
    }

    private static async Task<Answer> ListAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var runner = Services.Runner(invocation);
        var (items, next) = await Listing.ReadAsync(
            runner, "api/v1/agents", [("limit", Listing.Text(invocation.Get(Limit)))], ("after", invocation.Get(After)), invocation.Get(All), cancellationToken);
        return new Answer(new JsonObject { ["items"] = items, ["next"] = next }, page =>
        {
            var agents = items.Select(item => runner.View(JsonSerializer.SerializeToElement(item), WireContext.Default.AgentView));
            page.Table(["AGENT", "NAME", "CREATED", "DESCRIPTION"], [.. agents.Select(agent => new Cell[] { agent.Id, agent.Name, agent.CreatedAt, agent.Description })], "no agents");
            if (next is not null)
                page.Line(Tone.Quiet, $"more: --after {next}, or --all");
        });
    }
}
