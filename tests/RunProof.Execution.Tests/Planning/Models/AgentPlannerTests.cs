using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution.Tests;

/// <summary>The agent's loop.</summary>
public sealed class AgentPlannerTests
{
    private static readonly FakeSkill Look = Fake("look");
    private static readonly FakeSkill Files = Fake("mcp:files/read");

    [Fact]
    public async Task The_first_step_asks_the_model_and_holds_all_that_the_loop_decides_by()
    {
        var loop = new Loop(skills: [Look, Files]);
        var plan = (await loop.Agent.PlanAsync(Loop.Request(tools: ["look", "mcp:*"]), default)).Plan!;
        var first = Assert.Single(plan.Steps);
        Assert.Equal(("turn_1", "llm_invoke", OnError.Retry, 130_000), (first.Id, first.Skill, first.OnError, first.TimeoutMs));
        Assert.Equal(
            "{\"labels\":{\"max_conversation\":\"524288\",\"max_steps\":\"100\",\"max_turns\":\"16\",\"planner\":\"agent\",\"tool.mcp_files_read\":\"mcp:files/read\"},"
            + "\"messages\":[{\"content\":\"count the stars\",\"role\":\"user\"}],\"model\":\"small\","
            + $"\"system_prompt_digest\":\"{Digest.Of("runproof-agent"u8)}\",\"system_prompt_ref\":\"runproof-agent\","
            + "\"tools\":[{\"description\":\"A fake.\",\"name\":\"look\",\"parameters\":{\"type\":\"object\"}},{\"description\":\"A fake.\",\"name\":\"mcp_files_read\",\"parameters\":{\"type\":\"object\"}}]}",
            first.Parameters.ToString());
    }

    [Fact]
    public async Task Tools_are_steps_and_what_they_give_goes_back_to_the_model()
    {
        var loop = new Loop(skills: [Look, Files]);
        var request = Loop.Request(tools: "*");
        var end = await loop.RunAsync(loop.Agent, request, step => step.Id switch
        {
            "turn_1" => Loop.Calls(("look", """{"at":"sky"}"""), ("mcp_files_read", "")),
            "turn_1_call_1" => """{"stars":7}""",
            "turn_1_call_2" => new SkillFailure("not_found", "there is no such file"),
            "turn_2" => Loop.Calls(("look", "{}")),
            "turn_2_call_1" => new SkillFailure("policy_denied", "policy house: not that"),
            _ => Loop.Says("Seven."),
        });
        Assert.IsType<PlanGrowth.Done>(end);
        Assert.Equal(
            ["turn_1:llm_invoke", "turn_1_call_1:look", "turn_1_call_2:mcp:files/read", "turn_2:llm_invoke", "turn_2_call_1:look", "turn_3:llm_invoke"],
            loop.History.Select(one => $"{one.Step.Id}:{one.Step.Skill}"));
        Assert.Equal("""{"at":"sky"}""", loop.History[1].Step.Parameters.ToString());
        Assert.All(loop.History.Where(one => one.Step.Id.Contains("call", StringComparison.Ordinal)), one => Assert.Equal(OnError.Continue, one.Step.OnError));
        Assert.Equal(
            [
                "user: count the stars", "assistant: ", """tool: {"stars":7}""", """tool: {"error":{"code":"not_found","message":"there is no such file"}}""",
                "assistant: ", """tool: {"error":{"code":"policy_denied","message":"policy house: not that"}}""",
            ],
            Loop.Messages(loop.History[^1]));
        loop.AssertRebuilt(loop.Agent, loop.History[0].Step);
    }

    [Fact]
    public async Task A_call_that_can_be_no_step_is_answered_without_one()
    {
        var loop = new Loop(skills: [Look, Fake("secret")]);
        var end = await loop.RunAsync(loop.Agent, Loop.Request(tools: "look"), step => step.Id switch
        {
            "turn_1" => Loop.Calls(("look", "no json"), ("look", "[]"), ("secret", "{}"), ("look", """{"a":1,"a":2}""")),
            _ => Loop.Says("I give up."),
        });
        Assert.IsType<PlanGrowth.Done>(end);
        Assert.Equal(["turn_1", "turn_2"], loop.History.Select(one => one.Step.Id));
        var told = Loop.Messages(loop.History[1])[2..];
        Assert.Equal(4, told.Length);
        Assert.Contains("invalid_arguments", told[0], StringComparison.Ordinal);
        Assert.Contains("invalid_arguments", told[1], StringComparison.Ordinal);
        Assert.Contains("there is no tool \\\"secret\\\"; there are: look", told[2], StringComparison.Ordinal);
        Assert.Contains("invalid_arguments", told[3], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_last_answer_may_call_nothing_and_a_model_that_does_all_the_same_ends_the_run()
    {
        var loop = new Loop(new ModelPlannerOptions { MaxTurns = 3 }, Look);
        var end = await loop.RunAsync(loop.Agent, Loop.Request(tools: "look"), step => step.Skill == "look" ? "{}" : Loop.Calls(("look", "{}")));
        Assert.Equal("turn_limit", Assert.IsType<PlanGrowth.Impossible>(end).Code);
        Assert.Equal([false, false, true], loop.History.Where(one => one.Step.Skill == "llm_invoke").Select(one => Loop.Parameters(one).TryGetProperty("tool_choice", out _)));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(20)]
    public async Task No_run_has_more_steps_than_it_may(int most)
    {
        var loop = new Loop(new ModelPlannerOptions { MaxSteps = most, MaxTurns = 100 }, Look);
        var end = await loop.RunAsync(loop.Agent, Loop.Request(tools: "look"), step => step.Skill == "look" ? "{}" : Loop.Calls(("look", "{}"), ("look", "{}"), ("look", "{}")));
        Assert.Equal("step_limit", Assert.IsType<PlanGrowth.Impossible>(end).Code);
        Assert.InRange(loop.History.Count, 1, most);
    }

    [Fact]
    public async Task A_model_that_obeys_the_limit_of_steps_comes_to_an_end()
    {
        var loop = new Loop(new ModelPlannerOptions { MaxSteps = 6 }, Look);
        var end = await loop.RunAsync(loop.Agent, Loop.Request(tools: "look"), step =>
            step.Skill == "look" ? "{}" : step.Parameters.ToString().Contains("\"tool_choice\":\"none\"", StringComparison.Ordinal) ? Loop.Says("Enough.") : Loop.Calls(("look", "{}"), ("look", "{}")));
        Assert.IsType<PlanGrowth.Done>(end);
        Assert.InRange(loop.History.Count, 4, 6);
    }

    [Theory]
    [InlineData("""{"content":null,"tool_calls":[]}""")]
    [InlineData("""{"content":"  ","tool_calls":[]}""")]
    [InlineData("""{"something":"else"}""")]
    public async Task An_answer_that_is_none_ends_the_run(string outcome)
    {
        var loop = new Loop(skills: Look);
        Assert.Equal("no_answer", Assert.IsType<PlanGrowth.Impossible>(await loop.RunAsync(loop.Agent, Loop.Request(tools: "look"), _ => outcome)).Code);
    }

    [Fact]
    public async Task What_looks_like_a_reference_in_an_outcome_stays_text()
    {
        var loop = new Loop(skills: Look);
        await loop.RunAsync(loop.Agent, Loop.Request(tools: "look"), step => step.Id switch
        {
            "turn_1" => Loop.Calls(("look", """{"at":"{{steps.turn_1.content}}"}""")),
            "turn_1_call_1" => """{"said":"{{steps.turn_1.tool_calls}}"}""",
            _ => Loop.Says("Fine."),
        });
        Assert.All(loop.History, one => Assert.False(one.Step.HasReferences));
        Assert.Contains("{{steps.turn_1.tool_calls}}", Loop.Messages(loop.History[^1])[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_long_outcome_is_cut_off_and_the_model_told_so()
    {
        var loop = new Loop(skills: Look);
        await loop.RunAsync(loop.Agent, Loop.Request(tools: "look"), step => step.Id switch
        {
            "turn_1" => Loop.Calls(("look", "{}")),
            "turn_1_call_1" => Loop.Quote("x" + string.Concat(Enumerable.Repeat("😀", 50_000))),
            _ => Loop.Says("Long."),
        });
        var told = Loop.Messages(loop.History[^1])[^1];
        // By hand: the quote, the x and 32,767 of the pairs fit; a pair is not cut in two.
        var whole = "\"x" + string.Concat(Enumerable.Repeat("😀", 50_000)) + "\"";
        Assert.Equal($"tool: {whole[..65_536]}… (cut off: {whole.Length - 65_536} more characters; SHA-256 of the whole: {Digest.Of(System.Text.Encoding.UTF8.GetBytes(whole))})", told);
    }

    [Fact]
    public async Task A_long_conversation_leaves_out_what_the_tools_answered_first_and_never_grows_beyond_its_limit()
    {
        var loop = new Loop(new ModelPlannerOptions { MaxConversation = 20_000, MaxTurns = 30 }, Look);
        var number = 0;
        var end = await loop.RunAsync(loop.Agent, Loop.Request(tools: "look"), step =>
            step.Skill == "look" ? Loop.Quote($"{number++}" + new string('x', 3_000)) : step.Id == "turn_20" ? Loop.Says("Enough.") : Loop.Calls(("look", "{}")));
        Assert.IsType<PlanGrowth.Done>(end);
        var turns = loop.History.Where(one => one.Step.Skill == "llm_invoke").ToArray();
        Assert.Equal(20, turns.Length);
        Assert.All(turns, turn => Assert.InRange(Loop.Parameters(turn).GetProperty("messages").GetRawText().Length, 1, 20_000));
        var last = Loop.Messages(turns[^1]);
        // Every call is answered all the same, the newest in full; what was left out is known by its digest.
        Assert.Equal(19, last.Count(message => message.StartsWith("tool: ", StringComparison.Ordinal)));
        Assert.StartsWith("tool: \"18xxx", last[^1], StringComparison.Ordinal);
        var first = Loop.Quote("0" + new string('x', 3_000));
        Assert.Equal(
            $$$"""tool: {"left_out":{"because":"the conversation is long","characters":3003,"sha256":"{{{Digest.Of(System.Text.Encoding.UTF8.GetBytes(first))}}}"}}""",
            last.First(message => message.StartsWith("tool: ", StringComparison.Ordinal)));
        loop.AssertRebuilt(loop.Agent, loop.History[0].Step);
    }

    [Fact]
    public async Task A_conversation_that_is_too_long_by_what_the_model_says_ends_the_run()
    {
        var loop = new Loop(new ModelPlannerOptions { MaxConversation = 20_000, MaxTurns = 30 }, Look);
        var end = await loop.RunAsync(loop.Agent, Loop.Request(tools: "look"), step => step.Skill == "look" ? "{}" : Loop.Calls(("look", Loop.Quote(new string('y', 6_000)))));
        Assert.Equal("conversation_limit", Assert.IsType<PlanGrowth.Impossible>(end).Code);
    }

    [Fact]
    public async Task An_answer_full_of_tools_that_nobody_has_does_not_fill_the_memory()
    {
        var loop = new Loop(skills: [Look, .. Enumerable.Range(0, 100).Select(i => Fake($"a_skill_with_a_long_name_{i}"))]);
        var end = await loop.RunAsync(loop.Agent, Loop.Request(tools: "*"), step =>
            step.Id == "turn_1" ? Loop.Calls([.. Enumerable.Range(0, 1_000).Select(i => (i == 0 ? new string('z', 5_000) : "nothing", "{}"))]) : Loop.Says("Sorry."));
        Assert.IsType<PlanGrowth.Done>(end);
        var told = Loop.Messages(loop.History[^1])[2..];
        Assert.Equal(1_000, told.Length);
        Assert.Contains("zzz…\\\"; there are: ", told[0], StringComparison.Ordinal);
        Assert.Equal("""tool: {"error":{"code":"unknown_tool","message":"there is no tool \"nothing\""}}""", told[1]);
        Assert.InRange(told.Sum(one => one.Length), 1, 100_000);
    }

    [Fact]
    public async Task An_answer_that_redaction_changed_is_not_guessed_at()
    {
        var loop = new Loop(skills: Look);
        var end = await loop.RunAsync(loop.Agent, Loop.Request(tools: "look"), step => new EndedStep(
            step, StepStatus.Succeeded, CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes(Loop.Calls(("look", "{}")))), null, OutcomeIsKnown: false));
        Assert.Equal("redacted_reference", Assert.IsType<PlanGrowth.Impossible>(end).Code);
    }

    [Fact]
    public async Task What_is_missing_is_told_with_the_setting_that_it_wants()
    {
        async Task<string> Errors(Loop loop, PlanningRequest request) =>
            string.Join(" | ", (await loop.Agent.PlanAsync(request, default)).Errors.Select(error => $"{error.Place}: {error.Message}"));

        var none = new Loop(skills: Look);
        none.Models.Names.Clear();
        Assert.Contains("planner: \"Agent\" has no language model on this runner: the operator sets RunProof__Models__<name>__Model", await Errors(none, Loop.Request(tools: "look")), StringComparison.Ordinal);
        var two = new Loop(skills: Look);
        two.Models.Names.Add("large");
        Assert.Contains("model: is missing: there are small, large, and RunProof__Planners__Agent__Model is not set", await Errors(two, Loop.Request(tools: "look")), StringComparison.Ordinal);
        var one = new Loop(skills: Look);
        Assert.Contains("tools: is missing: name the skills that may be used", await Errors(one, Loop.Request()), StringComparison.Ordinal);
        Assert.Contains("tools[1]: \"lock\" is no skill that may be used; there are: llm_invoke, look", await Errors(one, Loop.Request(tools: ["look", "lock"])), StringComparison.Ordinal);
        Assert.Contains("goal: must not hold {{steps", await Errors(one, Loop.Request("do {{steps.turn_1.content}}", "look")), StringComparison.Ordinal);
        Assert.Contains("plan: must not be given", await Errors(one, Loop.Request(tools: "look") with { Plan = House.Json("[]") }), StringComparison.Ordinal);
        var chosen = Loop.Request(tools: "look");
        Assert.Contains("max_turns: must be from 1 to 16", await Errors(one, chosen with { Choices = chosen.Choices with { MaxTurns = 17 } }), StringComparison.Ordinal);
        Assert.Contains("model: there is no model \"huge\"; there are: small", await Errors(one, chosen with { Choices = chosen.Choices with { Model = "huge" } }), StringComparison.Ordinal);
        Assert.Contains("system_prompt_ref: there is no prompt \"nobody\"", await Errors(one, chosen with { Choices = chosen.Choices with { SystemPromptRef = "nobody" } }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_caller_can_have_less_than_the_operator_allows_and_never_more()
    {
        var loop = new Loop(new ModelPlannerOptions { Skills = ["lo*"] }, Look, Fake("shell"));
        Assert.Equal(["look"], Tools((await loop.Agent.PlanAsync(Loop.Request(), default)).Plan!));
        Assert.Equal(["look"], Tools((await loop.Agent.PlanAsync(Loop.Request(tools: "*"), default)).Plan!));
        var error = Assert.Single((await loop.Agent.PlanAsync(Loop.Request(tools: "shell"), default)).Errors);
        Assert.Equal(("tools[0]", "\"shell\" is no skill that may be used; there are: look"), (error.Place, error.Message));
    }

    [Fact]
    public async Task Names_that_no_service_takes_are_changed_and_can_be_told_apart()
    {
        var awkward = new[] { "mcp:a/b", "mcp:a_b", "mcp_a_b", new string('x', 80) + ":1", new string('x', 80) + ":2" };
        var loop = new Loop(skills: [.. awkward.Select(Fake)]);
        var request = Loop.Request(tools: [.. awkward]);
        var plan = (await loop.Agent.PlanAsync(request, default)).Plan!;
        var tools = Tools(plan);
        Assert.Equal(5, tools.Distinct().Count());
        Assert.All(tools, tool => Assert.Matches("^[a-zA-Z0-9_-]{1,64}$", tool));
        await loop.RunAsync(loop.Agent, request, step => step.Id == "turn_1" ? Loop.Calls([.. tools.Select(tool => (tool, "{}"))]) : step.Skill == "llm_invoke" ? Loop.Says("Done.") : "{}");
        Assert.Equal(awkward.Order(StringComparer.Ordinal), loop.History.Skip(1).Take(5).Select(one => one.Step.Skill).Order(StringComparer.Ordinal));
    }

    private static FakeSkill Fake(string name) => new(name, (_, _, _) => ValueTask.FromResult(FakeSkill.Gives("{}")));

    private static string[] Tools(Plan plan) =>
        [.. House.Json(plan.Steps[0].Parameters.ToString()).GetProperty("tools").EnumerateArray().Select(tool => tool.GetProperty("name").GetString()!)];
}
