using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using RunProof.Execution;
using RunProof.Mcp;

namespace RunProof.Runner.Tests;

/// <summary><c>src/MCP.md</c> and <c>src/PLANNERS.md</c> say nothing that is not so: their settings are read, their rules make plans, their codes are those of the code.</summary>
public sealed partial class SettingsPages
{
    private static readonly string Servers = Page("MCP.md");
    private static readonly string Planners = Page("PLANNERS.md");

    [Fact]
    public void The_servers_of_the_page_are_those_that_it_describes()
    {
        // The one thing that is the reader's own.
        var folder = Directory.CreateTempSubdirectory("runproof-page-").FullName;
        var settings = Settings(Block(Servers, "sh")).Select(one => one.Key.EndsWith(":WorkingDirectory", StringComparison.Ordinal) ? KeyValuePair.Create(one.Key, (string?)folder) : one)
            .Append(KeyValuePair.Create<string, string?>("TICKETS_TOKEN", "t0p-s3cr3t"));
        var servers = McpSettings.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        Directory.Delete(folder);
        Assert.Equal(["files", "tickets"], servers.Select(server => server.Name));
        Assert.Equal(("node", 2, "warn", "acme"), (servers[0].Command, servers[0].Args.Count, servers[0].Env["LOG_LEVEL"], servers[0].Tenants.Single()));
        Assert.Equal(("https://mcp.example/mcp", "Bearer t0p-s3cr3t", "search", "*"), (servers[1].Url!.ToString(), servers[1].Headers["Authorization"], servers[1].Tools.Single(), servers[1].Tenants.Single()));
    }

    [Fact]
    public void Every_setting_of_a_server_is_on_the_page_with_its_default_and_no_other_is()
    {
        var rows = Rows(Servers, "| Key | Default | |");
        var keys = rows.SelectMany(row => Name().Matches(row[0]).Select(match => match.Groups[1].Value)).ToArray();
        // One of several may be given without a number.
        Assert.Equal(McpSettings.Members.Except(["Tenant", "Tool"]).Order(StringComparer.Ordinal), keys.Order(StringComparer.Ordinal));
        var usual = new McpServerOptions { Name = "x", Tenants = ["*"], Command = "x" };
        string Number(double number) => number.ToString(CultureInfo.InvariantCulture);
        string Default(string key) => rows.Single(row => row[0].Contains($"`{key}`", StringComparison.Ordinal))[1];
        Assert.Equal(Number(usual.MaxMessageBytes), Default("MaxMessageBytes"));
        Assert.Equal(Number(usual.MaxResultBytes), Default("MaxResultBytes"));
        Assert.Equal(Number(usual.MaxInlineBytes), Default("MaxInlineBytes"));
        Assert.Equal(Number(usual.MaxTools), Default("MaxTools"));
        Assert.Equal($"{Number(usual.StartTimeout.TotalSeconds)}, {Number(usual.ListTimeout.TotalSeconds)}, {Number(usual.CallTimeout.TotalSeconds)}", Default("CallSeconds"));
        Assert.Equal(usual.TrustAnnotations, bool.Parse(Default("TrustAnnotations")));
        Assert.Equal(usual.ListBeforeCall, bool.Parse(Default("ListBeforeCall")));
        Assert.Equal(usual.CheckOutput, bool.Parse(Default("CheckOutput")));
    }

    [Fact]
    public void Every_code_that_a_call_fails_with_is_on_the_page_and_no_other_is()
    {
        var named = Rows(Servers, "| The step fails with | where |").SelectMany(row => Name().Matches(row[0]).Select(match => match.Groups[1].Value)).Order(StringComparer.Ordinal);
        // The plan's own time-out is the engine's, and a tenant's wall is told with the settings.
        Assert.Equal(Codes("RunProof.Mcp").Except(["unknown_server"]).Append("timeout").Order(StringComparer.Ordinal), named);
        Assert.Contains("`unknown_server`", Servers, StringComparison.Ordinal);
    }

    [Fact]
    public void The_model_of_the_page_needs_two_settings()
    {
        var model = Assert.Single(ModelSettings.Read(new ConfigurationBuilder().AddInMemoryCollection(Settings(Block(Planners, "sh"))).Build()).Models);
        Assert.Equal(("small", "http://localhost:11434/v1", "qwen3", null), (model.Key, model.Value.Endpoint, model.Value.Model, model.Value.ApiKey));
    }

    [Fact]
    public async Task The_rules_of_the_page_make_the_plans_that_it_says()
    {
        var file = Path.Combine(Path.GetTempPath(), $"runproof-page-{Guid.NewGuid():N}.yaml");
        await File.WriteAllTextAsync(file, Block(Planners, "yaml"));
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection(
        [
            KeyValuePair.Create<string, string?>("ConnectionStrings:runproofdb", "Host=127.0.0.1;Database=none;Username=nobody"), KeyValuePair.Create<string, string?>("RunProof:Planners:Rules", file),
        ]);
        builder.AddAll();
        await using var app = builder.Build();
        Assert.Null(app.Services.FindFault());
        File.Delete(file);
        var planner = app.Services.GetServices<IPlanner>().Single(one => one.Name == RulesPlanner.PlannerName);
        async Task<string> PlanAsync(string goal)
        {
            var validation = await planner.PlanAsync(new PlanningRequest(goal, null) { TenantId = Format.TenantId.Parse("acme") }, default);
            Assert.Empty(validation.Errors);
            return string.Join(" | ", validation.Plan!.Steps.Select(step => $"{step.Id} {step.Skill} {step.Parameters}"));
        }

        Assert.Equal("""step_0 echo {"message":"Hello, Ada!"}""", await PlanAsync("greet Ada"));
        Assert.Equal(
            """get http_call {"url":"https://example.com/x"} | step_1 echo {"message":"{{steps.get.body}} for: FETCH https://example.com/x"}""", await PlanAsync("FETCH https://example.com/x"));
    }

    [Fact]
    public void Every_setting_of_a_planner_is_on_the_page_and_every_setting_of_the_page_is_one()
    {
        string[] known = [.. PlannerSettings.ModelMembers, "Rules", "Agent", "Llm"];
        var named = Setting().Matches(Planners).Select(match => match.Groups[1].Value).ToArray();
        Assert.True(named.Length >= 8, string.Join(' ', named));
        Assert.All(named, setting => Assert.Contains(setting.Split("__")[0], known));
        foreach (var member in PlannerSettings.ModelMembers.Except(["Skill"]))
            Assert.Matches($"__{member}(?![A-Za-z])", Planners);
        var usual = new ModelPlannerOptions();
        foreach (var number in new[] { $"({usual.MaxTurns})", $"({usual.MaxSteps})", $"({usual.MaxRepairs})", $"({usual.MaxConversation}," })
            Assert.Contains(number, Planners, StringComparison.Ordinal);
        Assert.Contains(AgentPlanner.LongestResult.ToString("N0", CultureInfo.InvariantCulture), Planners, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_end_that_a_model_planner_knows_is_on_the_page()
    {
        var codes = Codes("RunProof.Execution/Planning/Models").ToArray();
        Assert.True(codes.Length >= 5, string.Join(' ', codes));
        Assert.All(codes.Except(["unknown_tool", "invalid_arguments"]), code => Assert.Contains($"`{code}`", Planners, StringComparison.Ordinal));
        var failures = Codes("RunProof.Models").ToHashSet(StringComparer.Ordinal);
        foreach (var code in new[] { "rate_limited", "model_unavailable", "timeout", "answer_malformed", "key_refused", "request_refused", "answer_truncated", "content_refused" })
        {
            Assert.Contains($"`{code}`", Planners, StringComparison.Ordinal);
            Assert.Contains(code, failures);
        }
    }

    [Fact]
    public void The_command_line_of_the_page_is_one_that_is_understood()
    {
        var sources = string.Concat(Directory.EnumerateFiles(Path.Combine(Readme.Root(), "src", "RunProof.Cli"), "*.cs", SearchOption.AllDirectories).Where(file => !file.Contains("/obj/", StringComparison.Ordinal)).Select(File.ReadAllText));
        var flags = Flag().Matches(Planners).Select(match => match.Value).Distinct().ToArray();
        Assert.True(flags.Length >= 6, string.Join(' ', flags));
        Assert.All(flags, flag => Assert.Contains($"\"{flag}\"", sources, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("MCP.md")]
    [InlineData("PLANNERS.md")]
    public void Every_link_and_file_of_the_page_is_there(string page)
    {
        var text = Page(page);
        var headings = Heading().Matches(text).Select(match => match.Groups[1].Value.ToLowerInvariant().Replace(' ', '-')).ToHashSet(StringComparer.Ordinal);
        foreach (var target in Link().Matches(text).Select(match => match.Groups[1].Value).Where(target => !target.StartsWith("http", StringComparison.Ordinal)))
            Assert.True(target.StartsWith('#') ? headings.Contains(target[1..]) : File.Exists(Path.Combine(Readme.Root(), "src", target)), target);
        foreach (var file in SourceFile().Matches(text).Select(match => match.Groups[1].Value))
            Assert.True(File.Exists(Path.Combine(Readme.Root(), file)), file);
    }

    private static string Page(string name) => File.ReadAllText(Path.Combine(Readme.Root(), "src", name)).ReplaceLineEndings("\n");

    private static string Block(string page, string language)
    {
        var start = page.IndexOf($"```{language}\n", StringComparison.Ordinal) + language.Length + 4;
        return page[start..page.IndexOf("\n```", start, StringComparison.Ordinal)];
    }

    // As a shell reads them: quotes off, comments off.
    private static IEnumerable<KeyValuePair<string, string?>> Settings(string block) =>
        from match in Assignment().Matches(block)
        select KeyValuePair.Create<string, string?>(match.Groups[1].Value.Replace("__", ":", StringComparison.Ordinal), match.Groups[2].Value.Trim('\''));

    private static List<string[]> Rows(string page, string header)
    {
        var start = page.IndexOf(header, StringComparison.Ordinal);
        Assert.True(start >= 0, header);
        return [.. page[start..].Split('\n').Skip(2).TakeWhile(line => line.StartsWith('|')).Select(line => line.Trim('|').Split(" | ").Select(cell => cell.Trim()).ToArray())];
    }

    private static IEnumerable<string> Codes(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Readme.Root(), "src", folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal))
            .SelectMany(file => Code().Matches(File.ReadAllText(file))).Select(match => match.Groups[1].Value).Distinct();

    [GeneratedRegex("`([A-Za-z_]+)`")]
    private static partial Regex Name();

    [GeneratedRegex(@"\b(?:SkillFailure|new|Failed|Impossible|Kept|Error)\((?:outcome, )?""([a-z_]+)""")]
    private static partial Regex Code();

    [GeneratedRegex(@"^([A-Za-z]\w*)=('[^']*'|\S*)", RegexOptions.Multiline)]
    private static partial Regex Assignment();

    [GeneratedRegex(@"(?:RunProof__Planners__(?:Agent__|Llm__)?|…Agent__)([A-Za-z]\w*)")]
    private static partial Regex Setting();

    [GeneratedRegex("--[a-z-]+")]
    private static partial Regex Flag();

    [GeneratedRegex(@"^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"\]\(([^)]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"`(src/[A-Za-z./-]+\.md)`")]
    private static partial Regex SourceFile();
}
