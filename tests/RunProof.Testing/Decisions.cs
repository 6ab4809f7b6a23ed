using Microsoft.Extensions.Logging.Abstractions;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Policies;

namespace RunProof.Testing;

/// <summary>Decisions for steps that a test records by itself: made by the gate, as there is no other way.</summary>
public static class Decisions
{
    private const string DenyAll = "{\"policy\":\"deny-all\",\"version\":\"1\",\"rules\":[],\"default\":\"deny\"}";

    /// <summary>No policy is in force.</summary>
    public static StepDecision Allowed { get; } = Decide([]);

    /// <summary>A policy refuses everything.</summary>
    public static StepDecision Denied { get; } = Decide([PolicyReader.Read(DenyAll).Policy!]);

    /// <summary>A gate without policies.</summary>
    /// <param name="files">Policies in force all the same.</param>
    public static IStepGate Gate(params IReadOnlyList<PolicyDocument> files) =>
        new PolicyGate(new NoPolicies(), new Redactor(), new PolicyOptions { Files = files }, TimeProvider.System, NullLoggerFactory.Instance);

    /// <summary>One that goes with a status.</summary>
    /// <param name="status">The status.</param>
    public static StepDecision For(StepStatus status) => status switch
    {
        StepStatus.Blocked => Denied,
        StepStatus.Skipped => Gate().Undecided("nothing was executed"),
        _ => Allowed,
    };

    private static StepDecision Decide(IReadOnlyList<PolicyDocument> files)
    {
        var run = new GovernedRun { TenantId = TenantId.Parse("t"), AgentId = null, Planner = "given", StartedAt = default };
        var action = new StepAction("echo", CanonicalJson.FromCanonicalBytes("{}"u8.ToArray()));
        return Task.Run(async () =>
        {
            var gate = await Gate(files).BeginAsync(run, CancellationToken.None);
            return await gate.DecideAsync(action, CancellationToken.None);
        }).GetAwaiter().GetResult();
    }
}
