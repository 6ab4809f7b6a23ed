using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.BuiltinSkills.Tests;

/// <summary>The two skills over a store in memory; <c>KeyValueStoreTests</c> has the real one.</summary>
public sealed class KeyValueSkills
{
    private readonly MemoryStore _store = new();

    [Fact]
    public async Task What_was_kept_is_found_and_what_was_removed_is_not()
    {
        Assert.Equal("""{"found":false,"value":null,"version":"0"}""", await SucceedAsync("kv_get", """{"key":"k"}"""));
        Assert.Equal("""{"version":"1"}""", await SucceedAsync("kv_set", """{"key":"k","value":{"b":1,"a":[null]}}"""));
        Assert.Equal("""{"found":true,"value":{"a":[null],"b":1},"version":"1"}""", await SucceedAsync("kv_get", """{"key":"k"}"""));
        Assert.Equal("""{"version":"2"}""", await SucceedAsync("kv_set", """{"key":"k","remove":true}"""));
        Assert.Equal("""{"found":false,"value":null,"version":"2"}""", await SucceedAsync("kv_get", """{"key":"k"}"""));
    }

    [Fact]
    public async Task A_change_that_expects_another_version_is_a_failure_with_the_one_that_stands()
    {
        await SucceedAsync("kv_set", """{"key":"k","value":1,"expected_version":0}""");

        var outcome = await CallAsync("kv_set", """{"key":"k","value":2,"expected_version":0}""");

        Assert.Equal(("version_conflict", false), (outcome.Failure!.Code, outcome.Failure.Retryable));
        Assert.Equal("""{"version":"1"}""", outcome.Outcome!.ToString());
        await SucceedAsync("kv_set", """{"key":"k","value":2,"expected_version":"1"}""");
    }

    [Fact]
    public async Task The_step_says_whose_key_it_is_and_which_change()
    {
        await SucceedAsync("kv_set", """{"key":"k","value":1}""", SkillHarness.Context(tenant: "a", idempotencyKey: "run:7"));

        Assert.Equal((TenantId.Parse("a"), "k", "run:7"), _store.Last);
        Assert.Contains("\"found\":false", await SucceedAsync("kv_get", """{"key":"k"}""", SkillHarness.Context(tenant: "b")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kv_get", """{"key":""}""")]
    [InlineData("kv_get", """{"key":"a\nb"}""")]
    [InlineData("kv_set", """{"key":"\u0000","value":1}""")]
    [InlineData("kv_set", """{"key":"k"}""")]
    [InlineData("kv_set", """{"key":"k","value":null}""")]
    [InlineData("kv_set", """{"key":"k","value":1,"remove":true}""")]
    [InlineData("kv_set", """{"key":"k","value":1,"expected_version":-1}""")]
    public async Task What_is_no_key_or_no_value_is_refused(string skill, string parameters) =>
        Assert.Equal("invalid_parameters", (await CallAsync(skill, parameters)).Failure?.Code);

    [Fact]
    public async Task Keys_and_values_are_of_limited_length()
    {
        await SucceedAsync("kv_set", $$"""{"key":"{{new string('k', 512)}}","value":"{{new string('v', 262_142)}}"}""");
        Assert.Equal("invalid_parameters", (await CallAsync("kv_set", $$"""{"key":"{{new string('k', 513)}}","value":1}""")).Failure!.Code);
        Assert.Equal("invalid_parameters", (await CallAsync("kv_set", $$"""{"key":"k","value":"{{new string('v', 262_143)}}"}""")).Failure!.Code);
    }

    private async Task<string> SucceedAsync(string skill, string parameters, SkillContext? context = null)
    {
        var outcome = await CallAsync(skill, parameters, context);
        Assert.Null(outcome.Failure);
        return outcome.Outcome!.ToString();
    }

    private Task<SkillOutcome> CallAsync(string skill, string parameters, SkillContext? context = null) =>
        SkillHarness.CallAsync(skill, parameters, new BuiltinSkillsOptions(), context, more: services => services.AddSingleton<IKeyValueStore>(_store));

    private sealed class MemoryStore : IKeyValueStore
    {
        private readonly ConcurrentDictionary<(TenantId, string), KeyValue> _values = new();

        public (TenantId Tenant, string Key, string Change) Last { get; private set; }

        public Task<KeyValue> GetAsync(TenantId tenant, string key, CancellationToken cancellationToken) => Task.FromResult(_values.GetValueOrDefault((tenant, key)) ?? new KeyValue(null, 0));

        public async Task<KeyValueChange> SetAsync(TenantId tenant, string key, CanonicalJson? value, long? expectedVersion, string change, CancellationToken cancellationToken)
        {
            Last = (tenant, key, change);
            var standing = await GetAsync(tenant, key, cancellationToken);
            if (expectedVersion is { } expected && expected != standing.Version)
                return new KeyValueChange(false, standing.Version);
            _values[(tenant, key)] = new KeyValue(value, standing.Version + 1);
            return new KeyValueChange(true, standing.Version + 1);
        }
    }
}
