using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace RunProof.Generators;

/// <summary>Writes the serializer, schema and binder of every record with <c>[Canonical]</c>.</summary>
[Generator(LanguageNames.CSharp)]
public sealed class CanonicalGenerator : IIncrementalGenerator
{
    /// <summary>The step whose outputs are records; null where one has a fault, which <see cref="CanonicalAnalyzer"/> tells.</summary>
    public const string ParseStep = "RunProof.Canonical.Parse";

    /// <summary>The step whose outputs are models: where these are cached, no source is printed again.</summary>
    public const string ModelStep = "RunProof.Canonical.Model";

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        var parsed = context.SyntaxProvider
            .ForAttributeWithMetadataName(Symbols.Canonical, static (node, _) => node is TypeDeclarationSyntax, CanonicalParser.Parse)
            .WithTrackingName(ParseStep);
        var models = parsed
            .Where(static record => record is not null)
            .Select(static (record, _) => record!)
            .WithTrackingName(ModelStep);
        context.RegisterSourceOutput(models, static (output, model) => output.AddSource(model.HintName, SourceText.From(CanonicalEmitter.Emit(model), Encoding.UTF8)));
        LockOutputs.OfRecords(context, models);
    }
}
