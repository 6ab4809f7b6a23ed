using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using RunProof.Skills;
using RunProof.Testing;

namespace RunProof.BuiltinSkills.Tests;

public sealed class SmallSkills
{
    [Fact]
    public void Every_skill_is_registered_with_schemas_of_its_own()
    {
        using var provider = new ServiceCollection().AddBuiltinSkills().BuildServiceProvider();
        var skills = new SkillRegistry(provider.GetServices<SkillDescriptor>()).All;

        Assert.Equal(["approval", "echo", "file_list", "file_read", "file_write", "http_call", "json_transform", "kv_get", "kv_set", "sql_query", "sub_run", "wait", "webhook_send"], skills.Select(s => s.Name));
        Assert.Equal(skills.Count, skills.Select(s => s.Schema).Distinct().Count());
        Assert.All(skills, skill => Assert.NotEmpty(skill.Description));
        Assert.All(skills, skill => Assert.Equal("object", JsonDocument.Parse(skill.ParametersSchema).RootElement.GetProperty("type").GetString()));
    }

    [Theory]
    [InlineData("\"golden\"")]
    [InlineData("null")]
    [InlineData("{\"a\":[1,2.5,\"é\"]}")]
    public async Task Echo_gives_its_message_back(string message) =>
        Assert.Equal(message, (await SkillHarness.SucceedAsync("echo", $$"""{"message":{{message}}}""")).GetProperty("message").GetRawText());

    [Fact]
    public async Task Wait_waits_on_the_injected_clock()
    {
        var clock = new ManualTimeProvider();
        var call = SkillHarness.CallAsync("wait", """{"ms":600000}""", clock: clock);
        await clock.WaitForTimersAsync();

        clock.Advance(TimeSpan.FromMilliseconds(599_999));
        Assert.False(call.IsCompleted);
        clock.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal("""{"waited_ms":600000}""", (await call).Outcome!.ToString());
    }

    [Fact]
    public async Task Wait_for_nothing_is_over_at_once() =>
        Assert.Equal("""{"waited_ms":0}""", (await SkillHarness.CallAsync("wait", """{"ms":0}""", clock: new ManualTimeProvider())).Outcome!.ToString());

    [Theory]
    [InlineData(-1)]
    [InlineData(600_001)]
    public async Task Wait_refuses_what_is_out_of_range(int ms) =>
        Assert.Equal("invalid_parameters", (await SkillHarness.FailAsync("wait", $$"""{"ms":{{ms}}}""")).Code);

    [Fact]
    public async Task Wait_ends_when_it_is_cancelled()
    {
        using var cancel = new CancellationTokenSource();
        var clock = new ManualTimeProvider();
        var call = SkillHarness.CallAsync("wait", """{"ms":1000}""", clock: clock, cancellationToken: cancel.Token);
        await clock.WaitForTimersAsync();

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    [Theory]
    [InlineData("""{"input":{"a":1,"b":2}}""", """{"a":1,"b":2}""")]
    [InlineData("""{"input":[1,2]}""", """[1,2]""")]
    [InlineData("""{"input":null}""", """null""")]
    [InlineData("""{"input":{"a":{"x":1,"y":2},"b":3},"pick":["a.x"]}""", """{"a":{"x":1}}""")]
    [InlineData("""{"input":{"a":{"x":1,"y":2},"b":null},"pick":["b","a.y","a.x"]}""", """{"a":{"x":1,"y":2},"b":null}""")]
    [InlineData("""{"input":{"a":1},"pick":[]}""", """{}""")]
    [InlineData("""{"input":{"a":1,"b":2},"rename":{"a":"c.d"}}""", """{"b":2,"c":{"d":1}}""")]
    [InlineData("""{"input":{"items":[{"id":7,"n":1}]},"rename":{"items[0].id":"id"}}""", """{"id":7,"items":[{"n":1}]}""")]
    [InlineData("""{"input":{"a":1,"b":2},"rename":{"a":"t","b":"a"}}""", """{"a":2,"t":1}""")]
    [InlineData("""{"input":{"a":[1,2]},"set":{"a[1]":{"x":1},"b.c":"v","d":null}}""", """{"a":[1,{"x":1}],"b":{"c":"v"},"d":null}""")]
    [InlineData("""{"input":{"a":{"secret_part":1,"n":0.1},"z":1},"pick":["a"],"rename":{"a.n":"n"},"set":{"a":true}}""", """{"a":true,"n":0.1}""")]
    [InlineData("""{"input":{"\ue000":1,"\ud83c\udf89":2}}""", "{\"\ud83c\udf89\":2,\"\ue000\":1}")]
    public async Task Json_transform_picks_renames_and_sets(string parameters, string result) =>
        Assert.Equal($$"""{"result":{{result}}}""", (await SkillHarness.CallAsync("json_transform", parameters)).Outcome!.ToString());

    [Theory]
    [InlineData("""{"input":{"a":1},"pick":["b"]}""", "path_not_found")]
    [InlineData("""{"input":[1],"pick":["a"]}""", "path_not_found")]
    [InlineData("""{"input":{"a":[1]},"pick":["a[0]"]}""", "invalid_path")]
    [InlineData("""{"input":{"a":1},"pick":[""]}""", "invalid_path")]
    [InlineData("""{"input":{"a":1},"pick":["a."]}""", "invalid_path")]
    [InlineData("""{"input":{"a":1},"pick":["a..b"]}""", "invalid_path")]
    [InlineData("""{"input":{"a":1},"set":{"a[x]":1}}""", "invalid_path")]
    [InlineData("""{"input":{"a":1},"set":{"a[-1]":1}}""", "invalid_path")]
    [InlineData("""{"input":{"a":1},"set":{"a[":1}}""", "invalid_path")]
    [InlineData("""{"input":{"a":1},"set":{"a]":1}}""", "invalid_path")]
    [InlineData("""{"input":{"a":1},"set":{"a.b":1}}""", "path_not_found")]
    [InlineData("""{"input":{"a":[]},"set":{"a[0]":1}}""", "path_not_found")]
    [InlineData("""{"input":5,"set":{"a":1}}""", "path_not_found")]
    [InlineData("""{"input":{"a":1},"rename":{"b":"c"}}""", "path_not_found")]
    [InlineData("""{"input":{"a":[1]},"rename":{"a[0]":"c"}}""", "path_not_found")]
    [InlineData("""{"input":{"a":1,"b":2},"rename":{"a":"b"}}""", "path_taken")]
    public async Task Json_transform_names_what_does_not_fit(string parameters, string code) =>
        Assert.Equal(code, (await SkillHarness.FailAsync("json_transform", parameters)).Code);

    [Fact]
    public async Task Json_transform_refuses_a_result_that_is_too_deep()
    {
        var path = string.Join('.', Enumerable.Repeat("a", 40));
        var deep = string.Concat(Enumerable.Repeat("{\"b\":", 40)) + "1" + new string('}', 40);

        Assert.Equal("too_deep", (await SkillHarness.FailAsync("json_transform", $$$"""{"input":{},"set":{"{{{path}}}":{{{deep}}}}}""")).Code);
    }
}
