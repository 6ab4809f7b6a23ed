using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using RunProof.Format;

namespace RunProof.Cli;

/// <summary>Chapter 2: what can be seen without running anything.</summary>
internal static class StaticChecks
{
    /// <summary>What each library of this build may be compiled against, beside the platform: src/ARCHITECTURE.md, "Dependencies".</summary>
    private static readonly (string Library, string[] Allowed)[] Rules =
    [
        ("RunProof.Format", []),
        ("RunProof.Skills", ["RunProof.Format"]),
        ("RunProof.Verification", ["RunProof.Format"]),
        ("RunProof.Tiles", ["RunProof.Format"]),
        ("RunProof.Keys", ["RunProof.Format"]),
        ("RunProof.Witness", ["RunProof.Format", "RunProof.Keys"]),
        ("RunProof.Ledger", ["RunProof.Format", "RunProof.Keys", "RunProof.Skills", "RunProof.Tiles", "RunProof.Verification", "RunProof.Witness"]),
        ("RunProof.Policies", ["RunProof.Format", "RunProof.Ledger", "RunProof.Skills"]),
        ("RunProof.Postgres", ["RunProof.Format", "RunProof.Skills", "RunProof.Ledger", "RunProof.Tiles", "Npgsql"]),
    ];

    internal static async Task LookAsync(Scene scene, CancellationToken cancellationToken)
    {
        var chapter = scene.Begin(2, "Static checks");
        Dependencies(scene, chapter);
        await SkillsAsync(scene, chapter, cancellationToken);
    }

    private static void Dependencies(Scene scene, Chapter chapter)
    {
        var rows = Rules.Select(rule => Row(scene.Assemblies, rule.Library, rule.Allowed)).ToArray();
        chapter.Table("dependency rules, read from the compiled assemblies beside the command line", ["library", "references of note", "rule holds"], rows);
        foreach (var row in rows.Where(row => row[2] == "not done"))
            scene.Warn($"the dependency rule of {row[0]} was not checked: its assembly is not beside the command line");
        scene.Must(
            "no library is compiled against what its dependency rule forbids",
            rows.All(row => row[2] != "no") && rows.Any(row => row[2] == "yes"),
            string.Join("; ", rows.Select(row => $"{row[0]}: {row[2]}")));
    }

    private static string?[] Row(string folder, string library, string[] allowed)
    {
        var path = Path.Combine(folder, library + ".dll");
        if (!File.Exists(path))
            return [library, null, "not done"];
        var references = References(path).Where(IsOfNote).ToArray();
        return [library, references.Length == 0 ? "none" : string.Join(", ", references), references.Except(allowed, StringComparer.Ordinal).Any() ? "no" : "yes"];
    }

    // A driver or a web framework under the proof format or the verification would be as wrong as a host.
    private static bool IsOfNote(string reference) =>
        reference.StartsWith("RunProof.", StringComparison.Ordinal) || reference.StartsWith("Npgsql", StringComparison.Ordinal)
        || reference.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal) || reference == "runproof";

    private static string[] References(string path)
    {
        using var stream = File.OpenRead(path);
        using var image = new PEReader(stream);
        var metadata = image.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name)).Order(StringComparer.Ordinal)];
    }

    private static Task SkillsAsync(Scene scene, Chapter chapter, CancellationToken cancellationToken) =>
        scene.MustAsync("the runner has the skills that the runs below use", async () =>
        {
            var listing = await scene.Runner.GetAsync("api/v1/skills", cancellationToken);
            var skills = scene.Runner.Items(listing).Select(item => scene.Runner.View(item, WireContext.Default.SkillView)).ToArray();
            chapter.Table("runner: GET /api/v1/skills", ["skill", "version", "schema"], [.. skills.Select(skill => new[] { skill.Name, skill.Version, skill.Schema })]);
            var names = skills.Select(skill => skill.Name).ToArray();
            return (names.Contains("http_call") && names.Contains("echo"), string.Join(", ", names));
        });
}
