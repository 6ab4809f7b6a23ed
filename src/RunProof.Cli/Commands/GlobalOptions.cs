using System.CommandLine;

namespace RunProof.Cli;

/// <summary>Options that every command takes.</summary>
internal static class GlobalOptions
{
    /// <summary>One JSON document on standard output, and nothing else there.</summary>
    internal static Option<bool> Json { get; } = new("--json") { Recursive = true, Description = "Print exactly one JSON document, for programs." };

    /// <summary>Where the runner listens.</summary>
    internal static Option<string?> RunnerUrl { get; } = new("--runner-url")
    {
        Recursive = true, HelpName = "URL", Description = "The runner. Default: RUNPROOF_RUNNER_URL, then services__runner__http__0.",
    };

    /// <summary>Where the verifier listens.</summary>
    internal static Option<string?> VerifierUrl { get; } = new("--verifier-url")
    {
        Recursive = true, HelpName = "URL", Description = "The verifier. Default: RUNPROOF_VERIFIER_URL, then services__verifier__http__0.",
    };

    /// <summary>The API key.</summary>
    internal static Option<string?> ApiKey { get; } = new("--api-key")
    {
        Recursive = true, HelpName = "KEY", Description = "The API key. Default: RUNPROOF_API_KEY, which other users of this machine cannot read off the process list.",
    };

    /// <summary>The database.</summary>
    internal static Option<string?> Database { get; } = new("--database")
    {
        Recursive = true, HelpName = "CONNECTION", Description = "Npgsql connection string. Default: ConnectionStrings__runproofdb.",
    };

    /// <summary>Gives the options to the root.</summary>
    /// <param name="root">The root.</param>
    internal static void AddTo(RootCommand root)
    {
        root.Add(Json);
        root.Add(RunnerUrl);
        root.Add(VerifierUrl);
        root.Add(ApiKey);
        root.Add(Database);
    }
}
