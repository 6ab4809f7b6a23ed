using System.Xml.Linq;

namespace RunProof.Architecture.Tests;

/// <summary>The enforcement guard: no step without a decision, and no decision to execute but from the gate.</summary>
public sealed class EnforcementRules
{
    [Fact]
    public void Nothing_but_what_records_for_others_says_that_a_step_is_not_governed()
    {
        var users = Sources("src").Where(file => File.ReadAllText(file).Contains("NotGoverned(", StringComparison.Ordinal)).Select(Repository.Relative).ToList();
        Assert.Equal(["src/RunProof.Ledger/Governance/StepDecision.cs"], users);
    }

    [Fact]
    public void Only_the_policies_see_how_decisions_are_made()
    {
        var project = XDocument.Load(Path.Combine(Repository.Root, "src/RunProof.Ledger/RunProof.Ledger.csproj"));
        var friends = project.Descendants("InternalsVisibleTo").Select(friend => friend.Attribute("Include")!.Value).Order(StringComparer.Ordinal);
        Assert.Equal(["RunProof.Ledger.Tests", "RunProof.Policies"], friends);
        Assert.DoesNotContain(Sources("src"), file => File.ReadAllText(file).Contains("UnsafeAccessor", StringComparison.Ordinal));
    }

    [Fact]
    public void A_decision_has_no_public_constructor_and_a_recording_needs_one()
    {
        Assert.Empty(typeof(Ledger.StepDecision).GetConstructors());
        var decision = typeof(Ledger.StepRecording).GetProperty("Decision")!;
        Assert.Contains(decision.GetCustomAttributesData(), attribute => attribute.AttributeType.Name == "RequiredMemberAttribute");
    }

    [Fact]
    public void The_engine_executes_in_one_place_and_asks_the_gate_before_it()
    {
        var executing = Sources("src/RunProof.Execution").Where(file => File.ReadAllText(file).Contains("bound.ExecuteAsync(", StringComparison.Ordinal)).ToList();
        var text = File.ReadAllText(Assert.Single(executing));
        var asks = text.IndexOf("gate.DecideAsync(", StringComparison.Ordinal);
        var refuses = text.IndexOf("if (!decision.MayExecute)", StringComparison.Ordinal);
        var executes = text.IndexOf("await RunAsync(", StringComparison.Ordinal);
        Assert.True(asks >= 0 && asks < refuses && refuses < executes, $"asks at {asks}, refuses at {refuses}, executes at {executes}");
    }

    private static IEnumerable<string> Sources(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));
}
