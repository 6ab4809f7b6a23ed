using System.Collections.Immutable;
using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
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

    /// <summary>The compiler turns an analyzer's exception into AD0001: what drives the analyzers here must not overlook it.</summary>
    [Fact]
    public async Task An_analyzer_that_throws_fails_a_test()
    {
        var analysis = Generation.Compile(("A.cs", "public sealed class A;")).WithAnalyzers([new Throwing()]);
        var failure = await Assert.ThrowsAnyAsync<Exception>(() => Analyzing.ToldAsync(analysis));
        Assert.Contains("AD0001", failure.Message, StringComparison.Ordinal);
    }

#pragma warning disable RS1001 // No compiler is to load this analyzer: it is this test's alone.
    private sealed class Throwing : DiagnosticAnalyzer
#pragma warning restore RS1001
    {
        public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [Rules[0]];

        public override void Initialize(AnalysisContext context)
        {
            context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
            context.EnableConcurrentExecution();
            context.RegisterSymbolAction(static _ => throw new InvalidOperationException("thrown"), SymbolKind.NamedType);
        }
    }
}
