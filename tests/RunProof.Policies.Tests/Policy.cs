using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Testing;

namespace RunProof.Policies.Tests;

/// <summary>Short ways to policies and decisions.</summary>
internal static class Policy
{
    internal static readonly TenantId Tenant = TenantId.Parse("acme");
    internal static readonly DateTimeOffset Start = new(2026, 2, 10, 12, 0, 0, TimeSpan.Zero);

    internal static CanonicalJson Json(string json) => CanonicalJson.Parse(Encoding.UTF8.GetBytes(json));

    internal static PolicyDocument Read(string yaml)
    {
        var reading = PolicyReader.Read(yaml);
        Assert.Empty(reading.Errors);
        return reading.Policy!;
    }

    /// <summary>A policy that allows by default, of rules in YAML's flow style.</summary>
    internal static PolicyDocument Of(params string[] rules) => Named("p", "allow", rules);

    internal static PolicyDocument Named(string name, string byDefault, params string[] rules) =>
        Read($"policy: {name}\nversion: '1'\ndefault: {byDefault}\nrules: [{string.Join(", ", rules)}]\n");

    internal static GovernedRun Run(string? agent = "agent-1", string planner = "given") =>
        new() { TenantId = Tenant, AgentId = agent is null ? null : AgentId.Parse(agent), Planner = planner, StartedAt = Start };

    internal static ManualTimeProvider ClockAt(DateTimeOffset time) => new(time);

    internal static PolicyGate Gate(IPolicyStore store, TimeProvider clock, params PolicyDocument[] files) =>
        new(store, new Redactor(), new PolicyOptions { Files = files }, clock, NullLoggerFactory.Instance);

    internal static async Task<StepDecision> DecideAsync(string skill, string parameters, params PolicyDocument[] policies) =>
        await DecideAsync(Run(), skill, parameters, Start, policies);

    internal static async Task<StepDecision> DecideAsync(GovernedRun run, string skill, string parameters, DateTimeOffset now, params PolicyDocument[] policies)
    {
        var gate = await Gate(new NoPolicies(), ClockAt(now), policies).BeginAsync(run, default);
        return await gate.DecideAsync(new StepAction(skill, Json(parameters)), default);
    }
}
