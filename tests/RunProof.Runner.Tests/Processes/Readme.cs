namespace RunProof.Runner.Tests;

/// <summary>What the README tells people to send.</summary>
internal static class Readme
{
    /// <summary>The body of the example with a plan, as the shell would send it, <c>$RUNNER</c> not yet replaced.</summary>
    public static string RequestWithAPlan()
    {
        var text = File.ReadAllText(Path.Combine(Root(), "README.md"));
        var example = text.IndexOf("# A plan of your own", StringComparison.Ordinal);
        var start = text.IndexOf("-d '", example, StringComparison.Ordinal) + "-d '".Length;
        // Out of the single quotes, into double ones and back: '"$RUNNER"'.
        var body = text[start..text.IndexOf("]}'", start, StringComparison.Ordinal)] + "]}";
        return body.Replace("'\"$RUNNER\"'", "$RUNNER", StringComparison.Ordinal);
    }

    /// <summary>The folder of the solution.</summary>
    public static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "RunProof.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("RunProof.sln is in no folder above " + AppContext.BaseDirectory);
        return folder;
    }
}
