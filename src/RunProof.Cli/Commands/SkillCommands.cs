using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace RunProof.Cli;

/// <summary><c>skill list</c>.</summary>
internal static class SkillCommands
{
    internal static Command Create(World world) => new("skill", "Skills: what a plan's steps can do.")
    {
        new Command("list", "List the runner's skills. With --json: their schemas too.").Does(world, ListAsync),
    };

    private static async Task<Answer> ListAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var runner = Services.Runner(invocation);
        var document = await runner.GetAsync("api/v1/skills", cancellationToken);
        return new Answer(JsonNode.Parse(document.GetRawText())!, page =>
        {
            var skills = runner.Items(document).Select(item => runner.View(item, WireContext.Default.SkillView)).ToList();
            page.Table(["SKILL", "VERSION", "DESCRIPTION"], [.. skills.Select(skill => new Cell[] { skill.Name, skill.Version, skill.Description })], "no skills");
            var files = skills.Select(skill => skill.Assembly).OfType<SkillAssemblyView>().DistinctBy(assembly => assembly.File).OrderBy(assembly => assembly.File, StringComparer.Ordinal);
            foreach (var file in files)
                page.Line($"loaded: {file.File}  sha256:{file.Sha256}");
        });
    }
}
