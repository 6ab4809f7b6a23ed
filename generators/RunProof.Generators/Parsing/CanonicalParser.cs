using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>From a type with <c>[Canonical]</c> to a model, or to what is wrong with it.</summary>
internal static class CanonicalParser
{
    /// <summary>The models of a compilation's records; those with a fault are left out.</summary>
    public static IEnumerable<CanonicalModel> Parse(CompilationFacts facts, Compilation compilation, CancellationToken cancel) => facts.Roots(compilation, cancel)
        .OfType<INamedTypeSymbol>()
        .Where(static type => type.Attribute(Symbols.Canonical) is not null)
        .Select(type => Parse(type, compilation, new Diagnosing(), cancel, facts.Shapes))
        .OfType<CanonicalModel>();

    /// <summary>The model; null where something is wrong, which <paramref name="diagnosing"/> then has, or half-typed, which is the compiler's to report.</summary>
    public static CanonicalModel? Parse(INamedTypeSymbol type, Compilation compilation, Diagnosing diagnosing, CancellationToken cancel, Shapes? shapes = null)
    {
        if (type.HasTwin() || !CanBeExtended(type, diagnosing, cancel))
            return null;
        var members = new RecordParser(compilation, diagnosing, cancel, shapes);
        if (members.Parse(type) is not { } shape)
            return null;
        var bindings = members.Bindings(type, shape);
        return diagnosing.Any ? null : new CanonicalModel(
            type.HintName(".Canonical.g.cs"),
            type.ContainingNamespace.IsGlobalNamespace ? "" : type.ContainingNamespace.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat.WithGlobalNamespaceStyle(SymbolDisplayGlobalNamespaceStyle.Omitted)),
            type.Containers().Select(static outer => outer.PartialDeclaration()).ToEquatable(),
            type.PartialDeclaration(),
            compilation.GetTypeByMetadataName(Symbols.JsonBound) is not null,
            HidesBase(type),
            type.IsSeenInAssembly(),
            shape,
            bindings);
    }

    private static bool CanBeExtended(INamedTypeSymbol type, Diagnosing diagnosing, CancellationToken cancel)
    {
        if (!type.IsRecord || !type.IsPartial(cancel))
            ReportNotPartialRecord(type, diagnosing);
        foreach (var outer in type.Containers())
        {
            if (outer.TypeParameters.Length > 0)
                diagnosing.Report(Rules.ContainerNotPartial, type.Place(Symbols.Canonical), type.Name, outer.Name, "generic, and a schema has one fixed set of members: move it out");
            else if (!outer.IsPartial(cancel))
                diagnosing.Report(Rules.ContainerNotPartial, type.Place(Symbols.Canonical), FixProperties.Of((FixProperties.Container, outer.Name)), type.Name, outer.Name, "not partial, so its serializer has no place: declare that 'partial'");
        }

        if (ProblemOfOpenness(type) is { } problem)
            diagnosing.Report(Rules.OpenRecord, type.Place(Symbols.Canonical), type.Name, problem.Is, problem.Remedy);
        return !diagnosing.Any;
    }

    private static void ReportNotPartialRecord(INamedTypeSymbol type, Diagnosing diagnosing)
    {
        var should = type.TypeKind == TypeKind.Struct ? "partial record struct" : "partial record";
        diagnosing.Report(Rules.NotPartialRecord, type.Place(Symbols.Canonical), FixProperties.Of((FixProperties.Declare, should)), type.Name, should);
    }

    private static (string Is, string Remedy)? ProblemOfOpenness(INamedTypeSymbol type) => type switch
    {
        { TypeParameters.Length: > 0 } => ("generic", "declare one for each type argument"),
        { IsAbstract: true } => ("abstract", "give [Canonical] to the records that derive from it"),
        { IsFileLocal: true } => ("local to its file", "declare it internal"),
        _ => null,
    };

    private static bool HidesBase(INamedTypeSymbol type)
    {
        for (var ancestor = type.BaseType; ancestor is not null; ancestor = ancestor.BaseType)
        {
            if (ancestor.Attribute(Symbols.Canonical) is not null)
                return true;
        }

        return false;
    }
}
