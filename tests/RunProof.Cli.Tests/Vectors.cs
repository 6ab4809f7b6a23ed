namespace RunProof.Cli.Tests;

/// <summary>The published test data of the checkout.</summary>
internal static class Vectors
{
    /// <summary>The folder of the solution.</summary>
    internal static string Root { get; } = FindRoot();

    internal static string Path(string relative) => System.IO.Path.Combine(Root, "tests", "vectors", relative);

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(System.IO.Path.Combine(folder!.FullName, "RunProof.sln")))
            folder = folder.Parent;
        return folder.FullName;
    }
}
