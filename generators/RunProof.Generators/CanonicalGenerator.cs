using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace RunProof.Generators;

/// <summary>Writes the serializer, schema and binder of every record with <c>[Canonical]</c>.</summary>
[Generator(LanguageNames.CSharp)]
public sealed class CanonicalGenerator : IIncrementalGenerator
{
    /// <summary>The step whose output is all records; one with a fault, which <see cref="CanonicalAnalyzer"/> tells, is not among them.</summary>
    public const string ParseStep = "RunProof.Canonical.Parse";

    /// <summary>The step whose outputs are models: where these are cached, no source is printed again.</summary>
    public const string ModelStep = "RunProof.Canonical.Model";

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        var reading = new Reading<CanonicalModel>(CanonicalParser.Parse);
        var models = context.CompilationProvider
            .Select(reading.Of)
            .WithTrackingName(ParseStep)
            .SelectMany(static (all, _) => all)
            .WithTrackingName(ModelStep);
        context.RegisterSourceOutput(models, static (output, model) => output.AddSource(model.HintName, SourceText.From(CanonicalEmitter.Emit(model), Encoding.UTF8)));
        LockOutputs.OfRecords(context, models);
    }
}
