using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;

namespace RunProof.CodeFixes.Tests.Driving;

/// <summary>Whole texts before and after a fix.</summary>
internal static class Fixed
{
    public const string File = "Fault.cs";

    /// <summary>
    /// Takes the fix of that title that is offered for a fault of a rule, and looks at the whole text; then the fault must be gone, no other of ours
    /// must have come, and what the generators write for the result must compile without a warning.
    /// </summary>
    public static async Task Is(string id, string title, string before, string after, params (string Path, string Text)[] beside)
    {
        var project = await Applied(id, title, Scene.Of([(File, before), .. beside]));
        Assert.Equal(after, await Text(project));
        await IsWell(project);
    }

    public static async Task<Project> Applied(string id, string title, Project project)
    {
        var titles = new List<string>();
        foreach (var fault in (await Scene.Faults(project)).Where(fault => fault.Id == id))
        {
            foreach (var (_, action) in await Offer.For(project, fault))
            {
                if (action.Title == title)
                    return await Offer.Take(project, action);
                titles.Add(action.Title);
            }
        }

        throw new Xunit.Sdk.XunitException($"nobody offers \"{title}\" for {id}, only: {string.Join(", ", titles)}");
    }

    /// <summary>Every fault of the rule is there, and nothing is offered for any of them.</summary>
    public static async Task IsNotOffered(string id, string source)
    {
        var project = Scene.Of((File, source));
        var faults = (await Scene.Faults(project)).Where(fault => fault.Id == id).ToList();
        Assert.NotEmpty(faults);
        foreach (var fault in faults)
            Assert.Empty((await Offer.For(project, fault)).Select(static offer => offer.Action.Title));
    }

    /// <summary>Fixes every fault of a rule at once.</summary>
    public static async Task AllAre(string id, string key, string before, string after, FixAllScope scope = FixAllScope.Project)
    {
        var project = await Offer.TakeAll(Scene.Of((File, before)), id, key, scope);
        Assert.Equal(after, await Text(project));
        await IsWell(project);
    }

    public static async Task<string> Text(Project project, string path = File) =>
        (await project.Documents.Single(document => document.Name == path).GetTextAsync()).ToString();

    public static async Task IsWell(Project project)
    {
        Assert.Empty((await Scene.Faults(project)).Select(static fault => fault.ToString()));
        var compilation = await Scene.Compile(project);
        Assert.Empty(compilation.GetDiagnostics().Where(static diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning).Select(static diagnostic => diagnostic.ToString()));
    }
}
