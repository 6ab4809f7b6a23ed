using RunProof.Skills;

namespace RunProof.Execution.Tests;

/// <summary>What a step took of a language model, in its evidence.</summary>
public sealed class ModelUsageTests
{
    private static readonly ModelUsage Call = new()
    {
        Provider = "openai", Model = "gpt-x", InputTokens = 1_000, OutputTokens = 200, CachedTokens = 600, ReasoningTokens = 50, PriceVersion = "2026-11",
        CostCents = 0.4125m, ResponseId = "chatcmpl-1",
    };

    [Fact]
    public async Task A_call_of_a_model_is_in_the_step_with_its_tokens_and_what_it_cost()
    {
        var house = new House(Calling(Call));
        await house.ExecuteAsync("{\"skill\":\"ask\"}");
        var step = house.Recorder.Only.Steps[0];
        Assert.Equal(0.4125m, step.CostCents);
        Assert.Contains(
            "\"tokens\":1200,\"usage\":{\"cached_tokens\":600,\"cost_cents\":\"0.4125\",\"input_tokens\":1000,\"model\":\"gpt-x\",\"output_tokens\":200,"
            + "\"price_version\":\"2026-11\",\"provider\":\"openai\",\"reasoning_tokens\":50,\"response_id\":\"chatcmpl-1\"}",
            step.Context!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_calls_of_one_model_are_added_up()
    {
        var house = new House(Calling(Call, Call with { ResponseId = "chatcmpl-2" }));
        await house.ExecuteAsync("{\"skill\":\"ask\"}");
        var step = house.Recorder.Only.Steps[0];
        Assert.Equal(0.825m, step.CostCents);
        Assert.Contains("\"input_tokens\":2000", step.Context!.ToString(), StringComparison.Ordinal);
        Assert.Contains("\"response_id\":\"chatcmpl-2\"", step.Context!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_step_that_calls_two_models_fails()
    {
        var house = new House(Calling(Call, Call with { Model = "gpt-y" }));
        Assert.Equal("skill_exception", (await house.ExecuteAsync("{\"skill\":\"ask\"}")).ErrorCode);
        Assert.Equal(0.4125m, house.Recorder.Only.Steps[0].CostCents);
    }

    private static FakeSkill Calling(params ModelUsage[] calls) => new("ask", (_, context, _) =>
    {
        foreach (var call in calls)
            context.AddUsage(call);
        return ValueTask.FromResult(FakeSkill.Gives("{}"));
    });
}
