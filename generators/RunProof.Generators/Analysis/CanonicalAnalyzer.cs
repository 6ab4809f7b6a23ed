using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace RunProof.Generators;

/// <summary>Tells what is wrong with records that have <c>[Canonical]</c>: RP01xx and RP02xx.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class CanonicalAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = Rules.OfRecords.AddRange(Rules.OfMembers);

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterCompilationStartAction(static start =>
        {
            // Where no reference has the attribute, typing costs nothing.
            if (start.Compilation.GetTypesByMetadataName(Symbols.Canonical).IsEmpty)
                return;
            var declared = new DeclaredNames(start.Compilation, Symbols.Canonical);
            start.RegisterSymbolAction(context => Analyze(context, declared), SymbolKind.NamedType);
        });
    }

    private static void Analyze(SymbolAnalysisContext context, DeclaredNames declared)
    {
        var type = (INamedTypeSymbol)context.Symbol;
        if (type.TypeKind is not (TypeKind.Class or TypeKind.Struct) || type.Attribute(Symbols.Canonical) is null)
            return;
        var diagnosing = new Diagnosing();
        CanonicalParser.Parse(type, context.Compilation, diagnosing, context.CancellationToken);
        RecordAdvice.Give(type, context.Compilation, diagnosing, context.CancellationToken);
        Duplicate(context, type, declared, diagnosing);
        foreach (var diagnostic in diagnosing.All)
            context.ReportDiagnostic(diagnostic);
    }

    private static void Duplicate(SymbolAnalysisContext context, INamedTypeSymbol type, DeclaredNames declared, Diagnosing diagnosing)
    {
        var (name, version) = (RecordParser.SchemaName(type), RecordParser.SchemaVersion(type));
        if (declared.FirstOfSeveral(DeclaredNames.Schema(name, version), context.CancellationToken) is not { } first || first.Is(type))
            return;
        var here = DeclaredName.Of(type, Symbols.Canonical);
        diagnosing.Report(
            Rules.DuplicateSchema,
            here.Place,
            FixProperties.Of((FixProperties.FreeName, declared.Free(name, free => DeclaredNames.Schema(free, version), context.CancellationToken))),
            type.ShortName(),
            here.ForPeople,
            name,
            version,
            first.Symbol.ShortName(),
            first.ForPeople);
    }
}
