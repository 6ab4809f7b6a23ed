using Microsoft.Extensions.Logging.Abstractions;
using RunProof.EmbeddedPostgres;
using Xunit;

namespace RunProof.Testing;

/// <summary>
/// Real MCP servers from npm, pinned by version and digest, installed once for all test processes of this user into the cache that PostgreSQL's binaries are kept in.
/// </summary>
public static class NpmServers
{
    private const string Version = "2026.8.31";

    /// <summary>The program that runs them.</summary>
    public const string Node = "node";

    /// <summary>The script of <c>@modelcontextprotocol/server-everything</c>. Skips the test, with the reason, where there is no npm.</summary>
    public static Task<string> EverythingAsync() =>
        ScriptAsync("server-everything", "sha512-5U3OZh8Xq0Li4nA26l6uNvV9/1suMDuWSn+NjLZIhzinhMY6N3A4DCrxVecBGPf2PsNFKTEv5krxGPRwzxc7jQ==");

    /// <summary>The script of <c>@modelcontextprotocol/server-filesystem</c>. Skips the test, with the reason, where there is no npm.</summary>
    public static Task<string> FilesystemAsync() =>
        ScriptAsync("server-filesystem", "sha512-kKaFkyAh6oipvc9+EAbJ552JafnMnOq5nzmzWkp1jJdBhTAAGpmIpWihUG1+rfNhmEFM98gUZDdCHCDD4v6a7Q==");

    private static async Task<string> ScriptAsync(string package, string integrity)
    {
        var npm = NpmFetch.FindClient(Environment.GetEnvironmentVariable("PATH"));
        Assert.SkipUnless(npm is not null, "npm is not installed, so the real MCP servers cannot be had (Debian: apt-get install npm); .ci/run installs it");
        var final = Path.Combine(CacheFolder.Default, "mcp", $"{package}-{Version}");
        if (!Directory.Exists(final))
        {
            using (await CacheFolder.LockAsync(final + ".lock", TestContext.Current.CancellationToken))
            {
                if (!Directory.Exists(final))
                    await InstallAsync(npm!, package, integrity, final);
            }
        }

        return Path.Combine(final, "node_modules", "@modelcontextprotocol", package, "dist", "index.js");
    }

    // The folder appears under its name only when it is complete.
    private static async Task InstallAsync(string npm, string package, string integrity, string final)
    {
        var temporary = $"{final}.{Environment.ProcessId}.tmp";
        try
        {
            Directory.CreateDirectory(temporary);
            await NpmFetch.FetchAsync(npm, "@modelcontextprotocol/" + package, Version, integrity, temporary, NullLogger.Instance, TestContext.Current.CancellationToken);
            Directory.Move(temporary, final);
        }
        finally
        {
            if (Directory.Exists(temporary))
                Directory.Delete(temporary, recursive: true);
        }
    }
}
