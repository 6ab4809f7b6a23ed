using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using RunProof.Testing;

namespace RunProof.Mcp.Tests;

/// <summary>The protocol's own servers from npm, over both transports.</summary>
public sealed class RealServers
{
    [Fact]
    public async Task The_everything_server_over_standard_streams()
    {
        var script = await NpmServers.EverythingAsync();
        await using var desk = await Desk.StartAsync(new McpServerOptions { Name = "everything", Command = NpmServers.Node, Args = [script], Tenants = ["*"] });
        await EverythingAsync(desk);
        var image = await desk.CallAsync("mcp:everything/get-tiny-image", "{}");
        Assert.Contains("\"type\":\"image\"", image.Outcome, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_everything_server_over_streamable_http()
    {
        var script = await NpmServers.EverythingAsync();
        var port = LocalPort.Free();
        using var server = Start(script, port);
        try
        {
            // It is started while it is waited for: a server that is not there yet is tried again.
            await using var desk = await Desk.StartAsync(new McpServerOptions
            {
                Name = "everything", Url = new Uri($"http://127.0.0.1:{port}/mcp"), Headers = new Dictionary<string, string> { ["Authorization"] = "Bearer some-token" }, Tenants = ["*"],
            });
            await Desk.UntilAsync(() => desk.State.Problem is null, "the server is there");
            await EverythingAsync(desk);

            server.Kill(entireProcessTree: true);
            await server.WaitForExitAsync(Desk.Cancel);
            var pin = desk.Pin;
            var gone = await desk.CallAsync("mcp:everything/echo", """{"message":"anyone?"}""");
            Assert.Contains(gone.Failure!.Code, new[] { "mcp_died", "mcp_unavailable" });

            using var again = Start(script, port);
            try
            {
                await Desk.UntilAsync(() => desk.State.Problem is null && desk.Logged.Split("is there with").Length > 2, "it is there again");
                Assert.Null((await desk.CallAsync("mcp:everything/echo", """{"message":"hello again"}""", pin)).Failure);
            }
            finally
            {
                again.Kill(entireProcessTree: true);
            }
        }
        finally
        {
            server.Kill(entireProcessTree: true);
        }
    }

    [Fact]
    public async Task The_filesystem_server_within_its_root_and_no_further()
    {
        var script = await NpmServers.FilesystemAsync();
        var root = Directory.CreateTempSubdirectory("runproof-mcp-").FullName;
        try
        {
            await using var desk = await Desk.StartAsync(new McpServerOptions { Name = "files", Command = NpmServers.Node, Args = [script, root], Tenants = ["*"] });
            Assert.Contains("mcp:files/read_text_file", desk.Names);
            Assert.Null((await desk.CallAsync("mcp:files/write_file", $$"""{"path":"{{root}}/a.txt","content":"kept"}""")).Failure);
            Assert.Equal("kept", await File.ReadAllTextAsync(Path.Combine(root, "a.txt"), Desk.Cancel));
            var read = await desk.CallAsync("mcp:files/read_text_file", $$"""{"path":"{{root}}/a.txt"}""");
            Assert.Equal("""{"content":[{"text":"kept","type":"text"}],"is_error":false,"structured":{"content":"kept"}}""", read.Outcome);

            var outside = await desk.CallAsync("mcp:files/read_text_file", """{"path":"/etc/passwd"}""");
            Assert.Equal("tool_error", outside.Failure!.Code);
            Assert.Contains("Access denied", outside.Failure.Message, StringComparison.Ordinal);
            Assert.Contains("\"is_error\":true", outside.Outcome, StringComparison.Ordinal);
            Assert.DoesNotContain("root:", outside.Outcome, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static async Task EverythingAsync(Desk desk)
    {
        // It lists once more right after the handshake.
        var echo = await desk.CallAsync("mcp:everything/echo", """{"message":"hello"}""");
        Assert.True(echo.Failure is null, echo.Failure?.Message);
        Assert.Equal("""{"content":[{"text":"Echo: hello","type":"text"}],"is_error":false,"structured":null}""", echo.Outcome);
        var sum = await desk.CallAsync("mcp:everything/get-sum", """{"a":2,"b":3}""");
        Assert.Contains("The sum of 2 and 3 is 5", sum.Outcome, StringComparison.Ordinal);
        var weather = await desk.CallAsync("mcp:everything/get-structured-content", """{"location":"Chicago"}""");
        using var outcome = JsonDocument.Parse(weather.Outcome!);
        Assert.Equal(JsonValueKind.Number, outcome.RootElement.GetProperty("structured").GetProperty("temperature").ValueKind);
        // It keeps its own promise of what a structured answer is, and says how far it is.
        Assert.True(weather.Failure is null, weather.Failure?.Message);
        Assert.NotNull(desk.Skill("mcp:everything/get-structured-content").Tool.OutputSchema);
        var slow = await desk.CallAsync("mcp:everything/trigger-long-running-operation", """{"duration":0.2,"steps":4}""");
        Assert.Contains("\"progress\":{\"count\":4,\"last\":4,\"total\":4}", slow.Evidence, StringComparison.Ordinal);
        var refused = Assert.Throws<Format.JsonBindingException>(() => desk.Skill("mcp:everything/get-structured-content").Bind(JsonDocument.Parse("""{"location":"Paris"}""").RootElement, "plan[0].params"));
        Assert.Equal(("plan[0].params.location", "expected one of \"New York\", \"Chicago\", \"Los Angeles\", got another value"), (refused.Place, refused.Reason));
    }

    private static Process Start(string script, int port)
    {
        var start = new ProcessStartInfo(NpmServers.Node) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(script);
        start.ArgumentList.Add("streamableHttp");
        start.Environment["PORT"] = port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }
}
