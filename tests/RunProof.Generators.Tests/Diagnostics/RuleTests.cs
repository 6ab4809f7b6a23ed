using System.Reflection;
using Microsoft.CodeAnalysis;
using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests.Diagnostics;

/// <summary>What is true of every rule.</summary>
public sealed class RuleTests
{
    /// <summary>Every rule of the assembly, the lock's too.</summary>
    internal static readonly List<DiagnosticDescriptor> Rules = typeof(CanonicalGenerator).Assembly.GetType("RunProof.Generators.Rules")!
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Where(static field => field.FieldType == typeof(DiagnosticDescriptor))
        .Select(static field => (DiagnosticDescriptor)field.GetValue(null)!)
        .OrderBy(static rule => rule.Id, StringComparer.Ordinal)
        .ToList();

    [Fact]
    public void Every_rule_is_released_under_an_id_of_its_own()
    {
        var released = File.ReadAllLines(Path.Combine(Repository.Root, "generators", "RunProof.Generators", "AnalyzerReleases.Unshipped.md"))
            .Where(static line => line.StartsWith("RP", StringComparison.Ordinal)).ToList();
        Assert.Equal(Rules.Select(static rule => $"{rule.Id} | RunProof | {rule.DefaultSeverity} | {rule.Title}"), released);
        Assert.Distinct(Rules.Select(static rule => rule.Id));
        Assert.All(Rules, static rule => Assert.Matches("^RP0[1-4][0-9][0-9]$", rule.Id));
    }

    [Fact]
    public void Every_rule_is_supported_by_one_analyzer()
    {
        var supported = Analyzing.All.SelectMany(static analyzer => analyzer.SupportedDiagnostics).Select(static rule => rule.Id);
        Assert.Equal(Rules.Select(static rule => rule.Id), supported.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_rule_outside_the_lock_has_a_fault_in_the_tests() => Assert.Equal(
        Rules.Select(static rule => rule.Id).Where(static id => !id.StartsWith("RP03", StringComparison.Ordinal)),
        Faults.All.Select(static fault => fault.Id).Distinct().Order(StringComparer.Ordinal));
}
