using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using RunProof.Format;
using RunProof.Generators.Tests.Samples;
using RunProof.Skills;

namespace RunProof.Generators.Tests;

/// <summary>Generated descriptors, called as the engine calls them.</summary>
public sealed class SkillRuntimeTests
{
    private static readonly ServiceProvider Services = new ServiceCollection().AddSingleton<Greeter>().AddGeneratedSkills().AddGeneratedSkills().BuildServiceProvider();
    private static readonly SkillRegistry Registry = new(Services.GetServices<SkillDescriptor>());

    [Fact]
    public void Registering_twice_registers_once()
    {
        Assert.Equal(["count", "echo", "sample/Result:1"], Registry.All.Select(static skill => skill.Name));
    }

    [Fact]
    public void A_descriptor_says_what_the_attribute_and_the_comment_say()
    {
        var echo = Find("echo");
        Assert.Equal("1.2.0", echo.Version);
        Assert.Equal("Says it back, politely: see EchoOutcome & message.", echo.Description);
        Assert.Equal(ReplayBehavior.Skip, echo.Replay);
        Assert.True(echo.IsIdempotent);
        Assert.Equal("RunProof.Generators.Tests.Samples.EchoSkill, RunProof.Generators.Tests", echo.DeclaredAt);
        Assert.Equal(EchoParameters.JsonSchema, echo.ParametersSchema);
        Assert.Equal(EchoOutcome.JsonSchema, echo.OutcomeSchema);

        var count = Find("count");
        Assert.Equal("1.0.0", count.Version);
        Assert.Equal("Counts.", count.Description);
        Assert.Equal(ReplayBehavior.Execute, count.Replay);
        Assert.False(count.IsIdempotent);
        Assert.Equal("RunProof.Generators.Tests.Samples.StaticSkills.CountAsync, RunProof.Generators.Tests", count.DeclaredAt);
    }

    [Theory]
    [InlineData("sample/Result:1", """{"message":"m"}""", true)]
    [InlineData("sample/Result:1", """{"message":"m","fail":"bare"}""", false)]
    [InlineData("count", """{"message":"m"}""", false)]
    public void A_class_says_of_each_call_whether_it_may_be_made_again(string skill, string parameters, bool may) => Assert.Equal(may, Bind(skill, parameters).MayRepeat);

    [Fact]
    public void A_class_says_of_each_call_what_it_may_use_at_most()
    {
        UseLimit? Most(string skill, string parameters) => Bind(skill, parameters).MostOf(new ServiceCollection().BuildServiceProvider(), TenantId.Parse("acme"));
        Assert.Equal(new UseLimit(0.5m, 3), Most("sample/Result:1", """{"message":"abc"}"""));
        Assert.Null(Most("sample/Result:1", """{"message":"abc","fail":"bare"}"""));
        Assert.Null(Most("count", """{"message":"abc"}"""));
        Assert.Throws<ArgumentOutOfRangeException>(() => new UseLimit(-0.1m, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new UseLimit(0, -1));
    }

    [Fact]
    public void A_skills_schema_is_the_hash_of_section_6()
    {
        var parameters = Hex("""{"members":{"fail":"string?","message":"string"},"name":"echo_parameters","version":"1"}""");
        var outcome = Hex("""{"members":{"message":"string"},"name":"echo_outcome","version":"1"}""");
        var echo = Find("echo");
        Assert.Equal(parameters, echo.ParametersFingerprint);
        Assert.Equal(outcome, echo.OutcomeFingerprint);
        Assert.Equal(Hex("runproof/v1/skill\n[\"echo\",\"1.2.0\",\"" + parameters + "\",\"" + outcome + "\"]"), echo.Schema.ToString());
    }

    [Fact]
    public async Task A_class_is_made_by_the_container_and_its_outcome_is_canonical()
    {
        var call = Bind("echo", """{ "message": "Ada" }""");
        Assert.Equal("""{"fail":null,"message":"Ada"}""", call.Parameters.ToString());
        var outcome = await ExecuteAsync(call);
        Assert.Null(outcome.Failure);
        Assert.Equal("""{"message":"hello Ada"}""", outcome.Outcome?.ToString());
    }

    [Fact]
    public async Task A_static_method_with_a_struct_outcome_runs()
    {
        var outcome = await ExecuteAsync(Bind("count", """{"message":"four"}"""));
        Assert.Equal("""{"value":4}""", outcome.Outcome?.ToString());
    }

    [Fact]
    public async Task A_skill_exception_is_a_failure()
    {
        var outcome = await ExecuteAsync(Bind("echo", """{"message":"x","fail":"http_503"}"""));
        Assert.Null(outcome.Outcome);
        Assert.Equal(new SkillFailure("http_503", "as asked", Retryable: true), outcome.Failure);
    }

    [Fact]
    public async Task Any_other_exception_escapes()
    {
        var call = Bind("echo", """{"message":"x"}""");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.ExecuteAsync(Services, Context(), new CancellationToken(canceled: true)).AsTask());
    }

    [Theory]
    [InlineData("""{"message":"m"}""", """{"message":"m"}""", null)]
    [InlineData("""{"message":"m","fail":"bare"}""", null, "bare")]
    [InlineData("""{"message":"m","fail":"late"}""", """{"message":"kept"}""", "late")]
    public async Task A_skill_result_keeps_outcome_and_failure(string parameters, string? outcome, string? code)
    {
        var result = await ExecuteAsync(Bind("sample/Result:1", parameters));
        Assert.Equal(outcome, result.Outcome?.ToString());
        Assert.Equal(code, result.Failure?.Code);
    }

    [Fact]
    public async Task A_default_skill_result_is_no_success()
    {
        var call = Bind("sample/Result:1", """{"message":"m","fail":"nothing"}""");
        var thrown = await Assert.ThrowsAsync<InvalidOperationException>(() => ExecuteAsync(call).AsTask());
        Assert.Equal("skill \"sample/Result:1\" returned neither an outcome nor a failure", thrown.Message);
    }

    [Fact]
    public void Parameters_that_do_not_fit_name_their_place()
    {
        var thrown = Assert.Throws<JsonBindingException>(() => Bind("echo", """{"mesage":"x"}"""));
        Assert.Equal("plan[0].params.mesage", thrown.Place);
        Assert.Equal("unknown member; known are fail, message", thrown.Reason);
    }

    private static SkillDescriptor Find(string name) => Registry.TryFind(name, out var skill) ? skill : throw new InvalidOperationException(name);

    private static SkillCall Bind(string name, string json)
    {
        using var document = JsonDocument.Parse(json);
        return Find(name).Bind(document.RootElement, "plan[0].params");
    }

    private static ValueTask<SkillOutcome> ExecuteAsync(SkillCall call) => call.ExecuteAsync(Services, Context(), CancellationToken.None);

    private static SkillContext Context() => new()
    {
        TenantId = TenantId.Parse("t"),
        RunId = RunId.Parse("r"),
        StepIndex = 0,
        Attempt = 0,
        IdempotencyKey = "r:0",
        Clock = TimeProvider.System,
    };

    private static string Hex(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
