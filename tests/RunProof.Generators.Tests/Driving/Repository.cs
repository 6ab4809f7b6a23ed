namespace RunProof.Generators.Tests.Driving;

/// <summary>Files of the repository that tests read.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static string Project => Path.Combine(Root, "tests", "RunProof.Generators.Tests");

    /// <summary>The samples, as they are compiled into this assembly too.</summary>
    public static (string Path, string Text)[] Samples() => Directory.GetFiles(Path.Combine(Project, "Samples"), "*.cs")
        .Order(StringComparer.Ordinal)
        .Select(static file => ("Samples/" + Path.GetFileName(file), File.ReadAllText(file)))
        .ToArray();

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "RunProof.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("RunProof.sln is in no folder above " + AppContext.BaseDirectory);
        return folder;
    }
}
