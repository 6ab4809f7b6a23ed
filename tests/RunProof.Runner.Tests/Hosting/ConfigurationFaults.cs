using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace RunProof.Runner.Tests;

/// <summary>What is wrong with models, prompts, planners and MCP servers is told before the host listens, in one line that names the setting and no secret.</summary>
public sealed class ConfigurationFaults(RunnerFixture fixture)
{
    private const string Key = "sk-0123456789abcdef";
    private const string Lm = "RunProof:Models:m:";

    // What makes a model that works, unless a case says otherwise.
    private static readonly (string, string)[] Good = [(Lm + "Endpoint", "http://127.0.0.1:9/v1"), (Lm + "Model", "tiny"), (Lm + "ApiKey", Key)];

    public static TheoryData<string, string, string> Models => new()
    {
        { Lm + "Endpoint", "not a url", "the model \"m\" needs an Endpoint that is an http or https URL without user information and query (RunProof__Models__m__Endpoint)" },
        { Lm + "Endpoint", "ftp://models.example/v1", "(RunProof__Models__m__Endpoint)" },
        { Lm + "Endpoint", "https://user:hunter2@models.example/v1", "(RunProof__Models__m__Endpoint)" },
        { Lm + "Endpoint", "https://models.example/v1?key=hunter2", "(RunProof__Models__m__Endpoint)" },
        { Lm + "Model", "", "the model \"m\" needs a Model: what the service calls it, at most 256 characters (RunProof__Models__m__Model)" },
        { Lm + "Provider", "two\nlines", "the model \"m\" needs a Provider of at most 128 characters, or none (RunProof__Models__m__Provider)" },
        { Lm + "ApiKey", "hunter2 hunter2", "the model \"m\" has an ApiKey that is no header value: printable ASCII without space (RunProof__Models__m__ApiKey, RunProof__Models__m__ApiKeyFile)" },
        { Lm + "ApiKeyFile", "/no/such/file", "RunProof:Models:m:ApiKeyFile must be given alone, not beside ApiKey" },
        { Lm + "ApiKye", "hunter2", "RunProof:Models:m:ApiKye is no setting; there are: Endpoint, Model, ApiKey, ApiKeyFile, " },
        { Lm + "TimeoutSeconds", "soon", "RunProof:Models:m:TimeoutSeconds must be a number of digits with a full stop at most" },
        { Lm + "TimeoutSeconds", "0", "the model \"m\" needs a TimeoutSeconds from 1 to 3600 (RunProof__Models__m__TimeoutSeconds)" },
        { Lm + "MaxAnswerBytes", "1", "(RunProof__Models__m__MaxAnswerBytes)" },
        { Lm + "MaxRequestBytes", "-5", "RunProof:Models:m:MaxRequestBytes must be a whole number" },
        { Lm + "TokenLimitMember", "max", "(RunProof__Models__m__TokenLimitMember)" },
        { Lm + "TakesSeed", "perhaps", "RunProof:Models:m:TakesSeed must be true or false" },
        { Lm + "Price:Input", "2", "RunProof:Models:m:Price:Output must be a price for a million tokens" },
        { Lm + "Price:Version|" + Lm + "Price:Input|" + Lm + "Price:Output", "|1|2", "needs a Price with a Version of 1 to 64 characters, which changes with the prices (RunProof__Models__m__Price__Version)" },
        { Lm + "Price:Version|" + Lm + "Price:Input|" + Lm + "Price:Output", "v|-1|2", "RunProof:Models:m:Price:Input must be a number of digits with a full stop at most" },
        { Lm + "Price:Version|" + Lm + "Price:Input|" + Lm + "Price:Output", "v|1|2,50", "RunProof:Models:m:Price:Output must be a number of digits with a full stop at most" },
        { Lm + "Price:Currency", "EUR", "RunProof:Models:m:Price:Currency is no setting; there are: Version, Input, CachedInput, Output" },
        { "RunProof:Models:a b:Model", "x", "\"a b\" is no name of a model or prompt: 1 to 64 of A-Z a-z 0-9 . _ -" },
        { "RunProof:Models", "gpt", "RunProof:Models must be a section for each model" },
        { "RunProof:Models:m", "gpt", "RunProof:Models:m must be a section: its name is RunProof:Models:NAME:Model" },
        { "RunProof:Prompts:clerk:File", "/no/such/file", "RunProof:Prompts:clerk:File must be a file that can be read: " },
        { "RunProof:Prompts:clerk:Text", " ", "the prompt \"clerk\" is empty" },
        { "RunProof:Runner:DemoModel", "perhaps", "RunProof:Runner:DemoModel" },
    };

    public static TheoryData<string, string, string> Planners => new()
    {
        { "RunProof:Planners", "agent", "RunProof:Planners must be a section for each planner" },
        { "RunProof:Planners:Agent", "m", "RunProof:Planners:Agent must be a section: the model is RunProof:Planners:NAME:Model" },
        { "RunProof:Planners:Agnet:Model", "m", "RunProof:Planners:Agnet is no setting; there are: Agent, Llm, Rules" },
        { "RunProof:Planners:Agent:Modle", "m", "RunProof:Planners:Agent:Modle is no setting; there are: Model, " },
        { "RunProof:Planners:Agent:Model", "large", "RunProof:Planners:Agent:Model: there is no model \"large\" (RunProof:Models); there are: m" },
        { "RunProof:Planners:Llm:Prompt", "nobody", "RunProof:Planners:Llm:Prompt: there is no prompt \"nobody\" (RunProof:Prompts)" },
        { "RunProof:Planners:Agent:Skills:0", "ehco", "RunProof:Planners:Agent:Skills: \"ehco\" is no skill; there are: approval, echo, " },
        { "RunProof:Planners:Agent:Skills:0", "no_*", "RunProof:Planners:Agent:Skills: \"no_*\" is no skill; there are: " },
        { "RunProof:Planners:Agent:Skills:0", "mcp:files/read", "RunProof:Planners:Agent:Skills: \"mcp:files/read\" is of no MCP server (RunProof:Mcp); there are: none" },
        { "RunProof:Planners:Agent:MaxTurns", "0", "RunProof:Planners:Agent: MaxTurns must be from 1 to 1000" },
        { "RunProof:Planners:Agent:MaxSteps", "many", "RunProof:Planners:Agent:MaxSteps must be a whole number" },
        { "RunProof:Planners:Llm:MaxRepairs", "11", "RunProof:Planners:Llm: MaxRepairs must be from 0 to 10" },
        { "RunProof:Planners:Agent:MaxConversation", "10", "RunProof:Planners:Agent: MaxConversation must be from 16384 to 4000000" },
        { "RunProof:Planners:Rules", "/no/such/rules.yaml", "RunProof:Planners:Rules must be a file that can be read: " },
    };

    public static TheoryData<string, string, string> Servers => new()
    {
        { "RunProof:Mcp:files:Comand", "node", "RunProof:Mcp:files:Comand is no setting; there are: Command, Args, " },
        { "RunProof:Mcp:files:Tenants:0", "*", "RunProof:Mcp:files:Command: give either Command, for a program, or Url, for a server that runs elsewhere" },
        { "RunProof:Mcp:files:Command", "node", "RunProof:Mcp:files:Tenants: name the tenants that may call it, or * for all" },
        { "RunProof:Mcp:files:Command|RunProof:Mcp:files:Tenant|RunProof:Mcp:files:MaxCalls", "node|*|0", "RunProof:Mcp:files:MaxCalls: must be from 1 to 1000" },
        { "RunProof:Mcp:files:Command|RunProof:Mcp:files:Tenant|RunProof:Mcp:files:CheckOutput", "node|*|never", "RunProof:Mcp:files:CheckOutput: is no true or false" },
        { "RunProof:Mcp:web:Url|RunProof:Mcp:web:Tenant|RunProof:Mcp:web:Headers:A", "https://mcp.example|*|${NOT_THERE}", "RunProof:Mcp:web:Headers:A: refers to NOT_THERE, which is not there" },
        { "RunProof:Mcp", "node", "RunProof:Mcp must be a section for each server" },
    };

    [Theory]
    [MemberData(nameof(Models))]
    [MemberData(nameof(Planners))]
    [MemberData(nameof(Servers))]
    public void A_setting_that_cannot_be_meant_is_named(string settings, string values, string message)
    {
        var fault = Fault([.. Good, .. settings.Split('|').Zip(values.Split('|'))]);
        Assert.NotNull(fault);
        Assert.Contains(message, fault, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault);
        foreach (var secret in new[] { Key, "hunter2" })
            Assert.DoesNotContain(secret, fault, StringComparison.Ordinal);
    }

    [Fact]
    public void What_can_be_meant_is_taken() => Assert.Null(Fault([
        .. Good, (Lm + "Price:Version", "v1"), (Lm + "Price:Input", "0.25"), (Lm + "Price:Output", "2"), ("RunProof:Prompts:clerk", "You are a clerk."), ("RunProof:Planners:Agent:Model", "m"),
        ("RunProof:Planners:Agent:Prompt", "clerk"), ("RunProof:Planners:Agent:Skills:0", "kv_*"), ("RunProof:Planners:Agent:Skills:1", "mcp:files/*"), ("RunProof:Planners:Llm:Skills:0", "mcp:*"),
        ("RunProof:Mcp:files:Command", "node"), ("RunProof:Mcp:files:Tenant", "*"), ("RunProof:Mcp:files:MaxCalls", "1"),
    ]));

    [Fact]
    public void The_service_that_takes_nobody_without_a_key_wants_one_and_others_do_not()
    {
        Assert.Equal(
            "the model \"m\" needs an ApiKey: api.openai.com takes no call without one. For another service, say its Endpoint"
            + " (RunProof__Models__m__ApiKey, RunProof__Models__m__ApiKeyFile, RunProof__Models__m__Endpoint)",
            Fault([(Lm + "Model", "gpt-5-mini")]));
        Assert.Null(Fault([(Lm + "Model", "gpt-5-mini"), (Lm + "ApiKey", Key)]));
        Assert.Null(Fault([(Lm + "Model", "qwen3"), (Lm + "Endpoint", "http://localhost:11434/v1")]));
    }

    [Theory]
    [InlineData(Key + "\n", null)]
    [InlineData("", "RunProof:Models:m:ApiKeyFile must be a file with one key in it")]
    [InlineData(Key + "\n" + Key, "RunProof:Models:m:ApiKeyFile must be a file with one key in it")]
    [InlineData(null, "RunProof:Models:m:ApiKeyFile must be a file that can be read: ")]
    public void A_key_in_a_file_is_one_key(string? text, string? message)
    {
        var file = Path.Combine(Path.GetTempPath(), $"runproof-key-{Guid.NewGuid():N}");
        if (text is not null)
            File.WriteAllText(file, text);
        var fault = Fault([(Lm + "Model", "tiny"), (Lm + "ApiKeyFile", file)]);
        File.Delete(file);
        if (message is null)
            Assert.Null(fault);
        else
            Assert.StartsWith(message, fault, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, fault ?? "", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rules: [{ id: a, goal: { regex: '(' }, plan: [{ skill: echo }] }]", "rules[0].goal.regex cannot be used: ")]
    [InlineData("rules: [{ id: a, goal: { regex: '(?<x>a)\\k<x>' }, plan: [{ skill: echo }] }]", "rules[0].goal.regex cannot be used: ")]
    [InlineData("rules: [{ id: a, goal: { glob: 'greet {name}' }, plan: [{ skill: echo, params: { message: '{{goal.nobody}}' } }] }]", "rules[0].plan[0].params.message {{goal.nobody}}: the goal's pattern has no group of that name")]
    [InlineData("rules: [{ id: a, goal: { glob: x }, plan: [{ skill: echo, params: { message: m } }] }, { id: a, goal: {}, plan: [] }]", "rules[1].plan must be an array of at least one step")]
    [InlineData("rules: {", "(RunProof:Planners:Rules): ")]
    public void Rules_that_cannot_be_used_are_named_with_their_file_and_every_place(string rules, string message)
    {
        var file = Path.Combine(Path.GetTempPath(), $"runproof-rules-{Guid.NewGuid():N}.yaml");
        File.WriteAllText(file, $"planner: rules\nversion: '1'\n{rules}\n");
        var fault = Fault([("RunProof:Planners:Rules", file)]);
        File.Delete(file);
        Assert.StartsWith(file + " (RunProof:Planners:Rules): ", fault, StringComparison.Ordinal);
        Assert.Contains(message, fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_process_says_it_in_one_line_and_exits_2()
    {
        await using var runner = RunnerProcess.Start(
            fixture.Database.RunnerConnectionString, ("RunProof__Models__m__Model", "tiny"), ("RunProof__Models__m__Endpoint", "https://user:hunter2@models.example/"), ("RunProof__Models__m__ApiKey", Key));
        Assert.Equal(2, await runner.EndAsync());
        Assert.Equal("runner: the model \"m\" needs an Endpoint that is an http or https URL without user information and query (RunProof__Models__m__Endpoint)\n", runner.Output);
    }

    [Theory]
    [InlineData("agent", "planner", "\"Agent\" has no language model on this runner: the operator sets RunProof__Models__<name>__Model")]
    [InlineData("llm", "planner", "\"Llm\" has no language model on this runner: the operator sets RunProof__Models__<name>__Model")]
    [InlineData("agent", "tools", "is missing: name the skills that may be used, or let the operator set RunProof__Planners__Agent__Skills__0")]
    [InlineData("rules", "planner", "\"rules\" has no rules on this runner: the operator sets RunProof__Planners__Rules to a file of them")]
    public async Task What_is_only_missing_is_told_to_who_asks_for_it(string planner, string place, string message)
    {
        var agent = await fixture.Acme.CreateAgentAsync();
        var refused = await fixture.Acme.PostAsync("/api/v1/runs", $$"""{"agent_id":"{{agent}}","goal":"g","origin_system_id":"tests","planner":"{{planner}}"}""");
        refused.IsProblem(400, "/problems/invalid-plan");
        Assert.Contains(refused.Body.GetProperty("errors").GetProperty(place).EnumerateArray(), error => error.GetString()!.Contains(message, StringComparison.Ordinal));
    }

    // As the program makes its host, from settings alone.
    private static string? Fault(params (string Name, string Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection(
            settings.Select(one => KeyValuePair.Create<string, string?>(one.Name, one.Value))
                .GroupBy(one => one.Key).Select(one => one.Last())
                .Append(KeyValuePair.Create<string, string?>("ConnectionStrings:runproofdb", "Host=127.0.0.1;Database=none;Username=nobody"))
                .Append(KeyValuePair.Create<string, string?>("urls", "http://127.0.0.1:9")));
        builder.AddAll();
        using var app = builder.Build();
        return app.Services.FindFault();
    }
}
