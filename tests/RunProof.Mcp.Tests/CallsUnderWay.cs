using System.Text.Json;
using RunProof.Format;

namespace RunProof.Mcp.Tests;

/// <summary>Calls while they are under way: how far they are, and how many a server is given at once.</summary>
public sealed class CallsUnderWay
{
    private const string Echo = "mcp:sample/echo";

    [Fact]
    public async Task How_often_a_server_said_how_far_it_is_and_what_it_said_last_is_in_the_steps_context()
    {
        await using var desk = await Desk.SampleAsync("says-how-far", options => options with { Secrets = ["s3cr3t-token"] });
        var called = await desk.CallAsync(Echo, """{"text":"3"}""");
        Assert.Null(called.Failure);
        using var evidence = JsonDocument.Parse(called.Evidence!);
        var message = "[masked] in file 3 " + new string('.', 300);
        Assert.Equal($$"""{"count":3,"last":3,"message":"{{message[..200]}}","total":1000}""", evidence.RootElement.GetProperty("progress").GetRawText());
        // Evidence is canonical, whoever wrote it.
        Assert.Equal(called.Evidence, CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes(called.Evidence!)).ToString());
    }

    [Fact]
    public async Task A_flood_of_it_is_counted_and_nothing_more()
    {
        await using var desk = await Desk.SampleAsync("says-how-far");
        using var evidence = JsonDocument.Parse((await desk.CallAsync(Echo, """{"text":"20000"}""")).Evidence!);
        Assert.Equal(20_000, evidence.RootElement.GetProperty("progress").GetProperty("count").GetInt32());
        Assert.InRange(evidence.RootElement.GetRawText().Length, 1, 1_000);
    }

    [Fact]
    public async Task It_moves_no_limit_and_of_a_step_that_ends_by_one_it_is_known_all_the_same()
    {
        await using var desk = await Desk.SampleAsync("says-how-far-and-hangs", options => options with { CallTimeout = TimeSpan.FromSeconds(6) });
        var late = await desk.CallAsync(Echo, """{"text":"7"}""");
        Assert.Equal("mcp_timeout", late.Failure!.Code);
        Assert.Contains("\"progress\":{\"count\":7,\"last\":7", late.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_is_given_no_more_calls_at_once_than_it_may_have_and_the_next_when_one_is_over()
    {
        var told = Path.GetTempFileName();
        await using var desk = await Desk.SampleAsync("hangs", options => options with { MaxCalls = 2, Env = new Dictionary<string, string> { ["TOLD"] = told } });
        using var first = new CancellationTokenSource();
        using var others = new CancellationTokenSource();
        var one = desk.CallAsync(Echo, """{"text":"one"}""", cancel: first.Token);
        var two = desk.CallAsync(Echo, """{"text":"two"}""", cancel: others.Token);
        await Desk.UntilAsync(() => Calls(told).Count == 2, "two calls");

        // The third waits for a place for as long as its step has time; the server never hears of it.
        using var step = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        var queued = Desk.Step();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => desk.CallAsync(Echo, """{"text":"three"}""", cancel: step.Token, step: queued));
        using (var evidence = JsonDocument.Parse(queued.SourceEvidence!.ToString()))
        {
            Assert.False(evidence.RootElement.GetProperty("called").GetBoolean());
            Assert.InRange(evidence.RootElement.GetProperty("queued_ms").GetInt64(), 0, 60_000);
        }

        var fourth = Desk.Step();
        var four = desk.CallAsync(Echo, """{"text":"four"}""", cancel: others.Token, step: fourth);
        await first.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
        await Desk.UntilAsync(() => Calls(told).Count == 3, "the next call");
        Assert.Equal(["one", "two", "four"], Calls(told));
        await others.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => two);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => four);
        Assert.Contains("\"queued_ms\":", fourth.SourceEvidence!.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("\"called\"", fourth.SourceEvidence.ToString(), StringComparison.Ordinal);
        File.Delete(told);
    }

    [Fact]
    public async Task The_time_that_a_call_may_take_begins_when_the_server_is_asked()
    {
        await using var desk = await Desk.SampleAsync("hangs", options => options with { MaxCalls = 1, CallTimeout = TimeSpan.FromSeconds(1) });
        var steps = Enumerable.Range(0, 3).Select(_ => Desk.Step()).ToArray();
        var ended = await Task.WhenAll(steps.Select(step => desk.CallAsync(Echo, """{"text":"a"}""", step: step)));
        Assert.All(ended, call => Assert.Equal("mcp_timeout", call.Failure!.Code));
        // Had it begun with the waiting, all three would have been over with the first, two of them unasked.
        Assert.All(steps, step => Assert.DoesNotContain("\"called\"", step.SourceEvidence!.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Calls_that_queue_when_the_server_dies_are_asked_of_the_next_one()
    {
        await using var desk = await Desk.SampleAsync("dies", options => options with { MaxCalls = 1 });
        var ended = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => desk.CallAsync(Echo, """{"text":"a"}""")));
        // Each had its own server to kill, or none in time: then nothing was called.
        Assert.All(ended, call => Assert.Contains(call.Failure!.Code, new[] { "mcp_died", "mcp_unavailable" }));
        Assert.All(ended, call => Assert.Equal(call.Failure!.Code == "mcp_unavailable", call.Evidence!.Contains("\"called\":false", StringComparison.Ordinal)));
        Assert.Contains(ended, call => call.Failure!.Code == "mcp_died");
    }

    private static List<string> Calls(string told) =>
        [.. Lines(told).Where(line => line.Contains("\"tools/call\"", StringComparison.Ordinal)).Select(line => JsonElement.Parse(line).GetProperty("params").GetProperty("arguments").GetProperty("text").GetString()!)];

    // The server appends while it is read: the last line may be half of one.
    private static IEnumerable<string> Lines(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        var text = reader.ReadToEnd();
        return text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
