using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests;

/// <summary>What the compiler keeps between two keystrokes: the outputs of all steps are equatable records without any object of the compiler.</summary>
public sealed class ModelTests
{
    private static readonly GeneratorDriverRunResult Run = Generation.Driver(trackSteps: true)
        .AddAdditionalTexts([new TextInMemory("canonical.lock.json", TextInMemory.LockOfTwo)]).RunGenerators(Generation.Compile(Repository.Samples())).GetRunResult();

    /// <summary>The types of all that our steps put out, and that theirs take: found in a run, not listed.</summary>
    public static TheoryData<string> Outputs() => [.. Values().Select(static value => value.GetType().ToString()).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Each holds, somewhere, what no model may hold; and the place that the check has to name.</summary>
    public static TheoryData<Type, string> BadModels() => new()
    {
        { typeof(WithSymbol), "WithSymbol.Type is a ISymbol" },
        { typeof(WithNode), "WithNode.Node is a SyntaxNode" },
        { typeof(WithLocation), "WithLocation.Inner.Item2 is a Location" },
        { typeof(WithToken), "WithToken.Token is a SyntaxToken" },
        { typeof(WithCompilation), "WithCompilation.Compilation is a Compilation" },
        { typeof(WithDiagnostic), "WithDiagnostic.Found is a Diagnostic" },
        { typeof(WithArray), "WithArray.Names is a Array" },
        { typeof(WithImmutableArray), "WithImmutableArray.Names.array is a Array" },
        { typeof(WithDelegate), "WithDelegate.Make is a Delegate" },
        { typeof(WithAnything), "WithAnything.Value is a Object, which may be anything" },
        { typeof(WithList), "WithList.Names is a IReadOnlyList`1, which may be anything" },
        { typeof(Derived), "Derived._hidden is a ISymbol" },
        { typeof(ByReference), "ByReference is a ByReference, which is not compared by value" },
    };

    [Fact]
    public void Every_step_is_looked_at()
    {
        var names = Steps().Select(static step => step.Name).OfType<string>().Distinct().Where(static name => name.StartsWith("RunProof.", StringComparison.Ordinal)).ToList();
        Assert.Equal(
            Run.Results.SelectMany(static result => result.TrackedSteps.Keys).Where(static name => name.StartsWith("RunProof.", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
            names.Order(StringComparer.Ordinal));
        Assert.Contains("RunProof.Generators.CanonicalModel", Outputs().Select(static row => row.Data));
    }

    [Theory]
    [MemberData(nameof(Outputs))]
    public void No_output_of_a_step_can_hold_an_object_of_the_compiler(string type) =>
        Assert.Empty(ModelCheck.Faults(Values().Select(static value => value.GetType()).First(output => string.Equals(output.ToString(), type, StringComparison.Ordinal))));

    [Fact]
    public void No_output_of_a_step_does_hold_one() =>
        Assert.Empty(Values().SelectMany(ModelCheck.FaultsOf));

    [Theory]
    [MemberData(nameof(BadModels))]
    public void A_bad_model_is_found(Type model, string fault) => Assert.Contains(fault, ModelCheck.Faults(model));

    [Fact]
    public void A_bad_value_is_found_at_run_time()
    {
        var symbol = Generation.Compile([]).Assembly;
        Assert.Equal(["WithAnything.Value is a ISymbol"], ModelCheck.FaultsOf(new WithAnything(symbol)));
    }

    private static IEnumerable<object> Values() => Steps().SelectMany(static step => step.Outputs).Select(static output => output.Value).OfType<object>();

    /// <summary>Our steps, named or not, and what they take their input from, up to the compiler's own inputs.</summary>
    private static IEnumerable<IncrementalGeneratorRunStep> Steps()
    {
        var seen = new HashSet<IncrementalGeneratorRunStep>();
        var pending = new Queue<IncrementalGeneratorRunStep>(Run.Results
            .SelectMany(static result => result.TrackedOutputSteps.Values.SelectMany(static steps => steps))
            .SelectMany(static step => step.Inputs.Select(static input => input.Source)));
        while (pending.TryDequeue(out var step))
        {
            if (step.Inputs.IsEmpty || !seen.Add(step))
                continue;
            foreach (var (source, _) in step.Inputs)
                pending.Enqueue(source);
        }

        return seen;
    }

    private sealed record WithSymbol(string Name, INamedTypeSymbol Type);

    private sealed record WithNode(SyntaxNode? Node);

    private sealed record WithLocation((string Name, Location Place) Inner);

    private sealed record WithToken(SyntaxToken? Token);

    private sealed record WithCompilation(Compilation Compilation);

    private sealed record WithDiagnostic(Diagnostic Found);

    private sealed record WithArray(string[] Names);

    private sealed record WithImmutableArray(ImmutableArray<string> Names);

    private sealed record WithDelegate(Func<string> Make);

    private sealed record WithAnything(object Value);

    private sealed record WithList(IReadOnlyList<string> Names);

    private record Base
    {
        private readonly ISymbol? _hidden;

        protected ISymbol? Hidden
        {
            get => _hidden;
            init => _hidden = value;
        }
    }

    private sealed record Derived(string Name) : Base;

    private sealed class ByReference
    {
        public string Name { get; init; } = "";
    }
}
