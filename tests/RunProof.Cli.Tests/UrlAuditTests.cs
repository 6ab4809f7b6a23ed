using System.IO.Compression;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace RunProof.Cli.Tests;

/// <summary><c>log audit --url</c> against a web server that serves a log of another make, well or ill.</summary>
public sealed class UrlAuditTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private string State => Path.Combine(_folder.Root, "state.json");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Anybody_s_log_is_audited_and_remembered()
    {
        await using var server = await TileServer.StartAsync(70_000);
        var first = await AuditAsync(server, 0);
        Assert.Equal(("VERIFIED", 70_000L, 70_000L, 277L), (Text(first, "verification_status"), Count(first, "entries"), Count(first, "foreign"), Count(first, "hash_tiles")));
        Assert.Equal("not_done", Check(first, "LOG_CONSISTENCY"));
        server.Publish(70_300, static number => $"entry {number}");
        var second = await AuditAsync(server, 0, "--from", "70000", "--hash-tiles", "sample");
        Assert.Equal((300L, "passed"), (Count(second, "entries"), Check(second, "LOG_CONSISTENCY")));
        // Rewritten and signed anew, with the same key.
        server.Publish(70_300, static number => number == 3 ? "another" : $"entry {number}");
        var fork = await AuditAsync(server, 10);
        Assert.Equal("LOG_FORKED", Text(fork.GetProperty("findings")[0], "code"));
        server.Publish(70_000, static number => $"entry {number}");
        Assert.Equal("LOG_ROLLED_BACK", Text((await AuditAsync(server, 10)).GetProperty("findings")[0], "code"));
        server.Publish(70_301, static number => $"entry {number}");
        Assert.Equal("VERIFIED", Text(await AuditAsync(server, 0, "--from", "last"), "verification_status"));
        var page = await RunAsync(server, "--key", TileServer.Key.ToString());
        Assert.Equal(0, page.ExitCode);
        Assert.Contains("VERIFIED  log.example/acme", page.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_key_the_verdict_is_unsupported_and_the_memory_is_the_url_s()
    {
        await using var server = await TileServer.StartAsync(10);
        var result = await CliInside.RunAsync(["log", "audit", "--url", server.Url, "--json"], environment: new Dictionary<string, string?>(StringComparer.Ordinal) { ["XDG_STATE_HOME"] = _folder.Root });
        Assert.Equal(5, result.ExitCode);
        Assert.Equal("not_done", Check(JsonDocument.Parse(result.Output).RootElement.GetProperty("logs")[0], "CHECKPOINT_SIGNATURE"));
        Assert.Contains(server.Requests, static request => request.Path == "/.well-known/runproof");
    }

    [Fact]
    public async Task An_answer_that_may_pass_is_asked_for_again()
    {
        await using var server = await TileServer.StartAsync(300);
        var refusals = 3;
        server.Instead = context =>
        {
            if (!context.Request.Path.Value!.Contains("/tile/entries/", StringComparison.Ordinal) || Interlocked.Decrement(ref refusals) < 0)
                return Task.FromResult(false);
            context.Response.StatusCode = refusals == 1 ? 429 : 503;
            return Task.FromResult(true);
        };
        await AuditAsync(server, 0);
        server.Instead = static context =>
        {
            if (!context.Request.Path.Value!.Contains("/tile/entries/001", StringComparison.Ordinal))
                return Task.FromResult(false);
            context.Response.StatusCode = 500;
            return Task.FromResult(true);
        };
        var down = await RunAsync(server, "--key", TileServer.Key.ToString(), "--json");
        Assert.Equal((1, "log_unreachable"), (down.ExitCode, Text(JsonDocument.Parse(down.Output).RootElement.GetProperty("error"), "code")));
    }

    [Fact]
    public async Task Bodies_without_end_are_cut_off_and_found()
    {
        await using var server = await TileServer.StartAsync(300);
        server.Instead = static async context =>
        {
            if (!context.Request.Path.Value!.EndsWith("/tile/0/000", StringComparison.Ordinal))
                return false;
            var chunk = new byte[65536];
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(chunk, context.RequestAborted);
            return true;
        };
        var finding = (await AuditAsync(server, 10)).GetProperty("findings")[0];
        Assert.Equal(("LOG_TILE_MISMATCH", "tile/0/000"), (Text(finding, "code"), Text(finding, "place")));
        Assert.Contains("longer than the 8192 bytes", Text(finding, "message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Compressed_bundles_are_read_and_a_bomb_is_cut_off()
    {
        await using var server = await TileServer.StartAsync(10);
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            var zeros = new byte[1 << 20];
            for (var i = 0; i < 64; i++)
                await gzip.WriteAsync(zeros, TestContext.Current.CancellationToken);
        }

        server.Instead = async context =>
        {
            if (!context.Request.Path.Value!.Contains("/tile/entries/", StringComparison.Ordinal))
                return false;
            context.Response.Headers.ContentEncoding = "gzip";
            await context.Response.Body.WriteAsync(packed.ToArray());
            return true;
        };
        var bomb = await AuditAsync(server, 10);
        Assert.Contains("longer than the", bomb.GetProperty("findings")[0].GetProperty("message").GetString(), StringComparison.Ordinal);
        server.Instead = static async context =>
        {
            if (!context.Request.Path.Value!.Contains("/tile/entries/", StringComparison.Ordinal))
                return false;
            context.Response.Headers.ContentEncoding = "gzip";
            await context.Response.Body.WriteAsync("not gzip"u8.ToArray());
            return true;
        };
        Assert.Equal("tile/entries/000.p/10", Text((await AuditAsync(server, 10)).GetProperty("findings")[0], "place"));
    }

    [Fact]
    public async Task The_api_key_stays_with_the_host_that_was_named()
    {
        await using var server = await TileServer.StartAsync(10);
        await using var other = await TileServer.StartAsync(10);
        server.Instead = context =>
        {
            if (!context.Request.Path.Value!.Contains("/tile/", StringComparison.Ordinal))
                return Task.FromResult(false);
            context.Response.StatusCode = 302;
            context.Response.Headers.Location = other.Url + context.Request.Path.Value!["/logs/acme".Length..];
            return Task.FromResult(true);
        };
        var findings = (await AuditAsync(server, 10)).GetProperty("findings");
        Assert.Contains("leads to another host", Text(findings[0], "message"), StringComparison.Ordinal);
        Assert.Empty(other.Requests);
        Assert.All(server.Requests, static request => Assert.Equal("Bearer " + FakeService.Key, request.Authorization));
        // On the same host a redirect is followed, though not round and round.
        server.Instead = static context =>
        {
            var path = context.Request.Path.Value!;
            if (!path.StartsWith("/moved/", StringComparison.Ordinal))
                return Task.FromResult(false);
            context.Response.StatusCode = 307;
            context.Response.Headers.Location = path["/moved".Length..];
            return Task.FromResult(true);
        };
        var moved = new Uri(server.Url).GetLeftPart(UriPartial.Authority) + "/moved/logs/acme";
        Assert.Equal(0, (await CliInside.RunAsync(["log", "audit", "--url", moved, "--key", TileServer.Key.ToString(), "--state", State])).ExitCode);
        server.Instead = static context =>
        {
            context.Response.StatusCode = 302;
            context.Response.Headers.Location = context.Request.Path.Value;
            return Task.FromResult(true);
        };
        Assert.Contains("one redirect leads to the next", (await RunAsync(server, "--json")).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(401, 3)]
    [InlineData(403, 3)]
    [InlineData(404, 1)]
    public async Task A_log_that_is_not_there_or_not_for_this_key_is_an_error(int status, int exitCode)
    {
        await using var server = await TileServer.StartAsync(1);
        server.Instead = context =>
        {
            context.Response.StatusCode = status;
            return Task.FromResult(true);
        };
        Assert.Equal(exitCode, (await RunAsync(server, "--json")).ExitCode);
    }

    [Theory]
    [InlineData("ftp://log.example/")]
    [InlineData("log.example/acme")]
    [InlineData("https://user:hush@log.example/acme")]
    [InlineData("https://log.example/acme?x=1")]
    public async Task What_is_no_url_of_a_log_is_refused(string url)
    {
        var result = await CliInside.RunAsync(["log", "audit", "--url", url]);
        Assert.Equal(2, result.ExitCode);
    }

    [Fact]
    public async Task Ctrl_C_leaves_what_was_read_and_the_next_audit_goes_on()
    {
        await using var server = await TileServer.StartAsync(20_000);
        using var stop = new CancellationTokenSource();
        server.Instead = async context =>
        {
            if (!context.Request.Path.Value!.Contains("/tile/entries/06", StringComparison.Ordinal))
                return false;
            await stop.CancelAsync();
            return false;
        };
        var broken = await CliInside.RunAsync(["log", "audit", "--url", server.Url, "--key", TileServer.Key.ToString(), "--state", State], cancellationToken: stop.Token);
        Assert.Equal(130, broken.ExitCode);
        var progress = JsonDocument.Parse(await File.ReadAllTextAsync(State, TestContext.Current.CancellationToken)).RootElement.GetProperty("progress");
        Assert.InRange(progress.GetProperty("position").GetInt64(), 256, 60 * 256);
        server.Instead = static _ => Task.FromResult(false);
        server.Requests.Clear();
        var report = await AuditAsync(server, 0);
        Assert.Equal(20_000L, Count(report, "entries"));
        Assert.DoesNotContain(server.Requests, static request => request.Path == "/logs/acme/tile/entries/000");
    }

    private async Task<JsonElement> AuditAsync(TileServer server, int exitCode, params string[] more)
    {
        var result = await RunAsync(server, ["--key", TileServer.Key.ToString(), "--json", .. more]);
        Assert.True(result.ExitCode == exitCode, $"{result.ExitCode}: {result.Output}{result.Error}");
        return JsonDocument.Parse(result.Output).RootElement.GetProperty("logs")[0];
    }

    private Task<CliResult> RunAsync(TileServer server, params string[] more) => CliInside.RunAsync(
        ["log", "audit", "--url", server.Url, "--state", State, .. more], environment: new Dictionary<string, string?>(StringComparer.Ordinal) { ["RUNPROOF_API_KEY"] = FakeService.Key });

    private static string? Text(JsonElement node, string name) => node.GetProperty(name).GetString();

    private static long Count(JsonElement report, string name) => report.GetProperty("counts").GetProperty(name).GetInt64();

    private static string? Check(JsonElement report, string name) => Text(report.GetProperty("checks").EnumerateArray().Single(check => Text(check, "name") == name), "status");
}
