namespace RunProof.Cli.Tests;

/// <summary>The published test data of the checkout.</summary>
internal static class Vectors
{
    internal static string Path(string relative)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(System.IO.Path.Combine(folder!.FullName, "RunProof.sln")))
            folder = folder.Parent;
        return System.IO.Path.Combine(folder.FullName, "tests", "vectors", relative);
    }
}
