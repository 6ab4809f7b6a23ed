using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace RunProof.Generators;

/// <summary>Tells what is wrong with classes and methods that have <c>[Skill]</c>: RP04xx.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class SkillAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => Rules.OfSkills;

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterCompilationStartAction(static start =>
        {
            // Where no reference has the attribute, typing costs nothing.
            if (start.Compilation.GetTypesByMetadataName(Symbols.Skill).IsEmpty)
                return;
            var declared = new DeclaredNames(start.Compilation, Symbols.Skill);
            start.RegisterSymbolAction(context => Analyze(context, declared), SymbolKind.NamedType, SymbolKind.Method);
        });
    }

    private static void Analyze(SymbolAnalysisContext context, DeclaredNames declared)
    {
        if (context.Symbol is INamedTypeSymbol { TypeKind: not TypeKind.Class } || context.Symbol.Attribute(Symbols.Skill) is not { } attribute)
            return;
        var diagnosing = new Diagnosing();
        var model = SkillParser.Parse(context.Symbol, attribute, context.Compilation, diagnosing, context.CancellationToken);
        if (model is { Description.Length: 0 })
            diagnosing.Report(Rules.SkillWithoutSummary, context.Symbol.Place(Symbols.Skill), model.Name, context.Symbol.Name);
        Duplicate(context, attribute, declared, diagnosing);
        foreach (var diagnostic in diagnosing.All)
            context.ReportDiagnostic(diagnostic);
    }

    private static void Duplicate(SymbolAnalysisContext context, AttributeData attribute, DeclaredNames declared, Diagnosing diagnosing)
    {
        if (attribute.Argument(0) is not { } name || declared.FirstOfSeveral(name, context.CancellationToken) is not { } first || first.Is(context.Symbol))
            return;
        var here = DeclaredName.Of(context.Symbol, Symbols.Skill);
        diagnosing.Report(
            Rules.DuplicateSkill,
            here.Place,
            FixProperties.Of((FixProperties.FreeName, declared.Free(name, static free => free, context.CancellationToken))),
            name,
            SkillParser.DeclaredAt(context.Symbol),
            here.ForPeople,
            SkillParser.DeclaredAt(first.Symbol),
            first.ForPeople);
    }
}
