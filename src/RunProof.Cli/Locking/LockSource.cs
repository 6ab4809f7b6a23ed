using RunProof.Generators;

namespace RunProof.Cli;

/// <summary>Where shapes come from, and where their lock is.</summary>
/// <param name="Project">The project to build; null where an assembly was named.</param>
/// <param name="Assembly">The assembly; null where a project was named.</param>
/// <param name="Lock">The lock, which need not be there yet.</param>
internal sealed record LockSource(string? Project, string? Assembly, string Lock)
{
    /// <summary>Finds out what was named.</summary>
    /// <param name="target">A project, a folder with one, or an assembly.</param>
    /// <param name="output">The lock, where it was named.</param>
    /// <exception cref="CommandException">It is nothing of the kind.</exception>
    internal static LockSource Find(string target, string? output)
    {
        var path = Path.GetFullPath(target);
        if (Directory.Exists(path))
            return OfProject(OnlyProjectOf(path, target), output);
        if (!File.Exists(path))
            throw CommandException.Usage($"there is no {target}", "name a project file, a folder that holds one, or a built assembly");
        if (!path.EndsWith(".dll", StringComparison.OrdinalIgnoreCase))
            return OfProject(path, output);
        return output is null
            ? throw CommandException.Usage($"{target} does not say where its lock is", "name it: --output canonical.lock.json")
            : new LockSource(null, path, Path.GetFullPath(output));
    }

    private static LockSource OfProject(string project, string? output) =>
        new(project, null, Path.GetFullPath(output ?? Path.Combine(Path.GetDirectoryName(project)!, LockFile.FileName)));

    private static string OnlyProjectOf(string folder, string target) => Directory.GetFiles(folder, "*.csproj") switch
    {
        [var project] => project,
        [] => throw CommandException.Usage($"there is no project in {target}", "name a project file (.csproj) or a built assembly"),
        var several => throw CommandException.Usage(
            $"there are {several.Length} projects in {target}: {string.Join(", ", several.Select(Path.GetFileName).Order(StringComparer.Ordinal))}", "name one of them"),
    };
}
