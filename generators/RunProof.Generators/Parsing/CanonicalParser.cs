using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>From a type with <c>[Canonical]</c> to a model, or to what is wrong with it.</summary>
internal static class CanonicalParser
{
    public static Parsed<CanonicalModel> Parse(GeneratorAttributeSyntaxContext context, CancellationToken cancel)
    {
        var diagnosing = new Diagnosing();
        var model = context.TargetSymbol is INamedTypeSymbol type && context.IsFirst(Symbols.Canonical) ? Parse(type, context.SemanticModel.Compilation, diagnosing, cancel) : null;
        return new Parsed<CanonicalModel>(diagnosing.Any ? null : model, diagnosing.All);
    }

    private static CanonicalModel? Parse(INamedTypeSymbol type, Compilation compilation, Diagnosing diagnosing, CancellationToken cancel)
    {
        if (!CanBeExtended(type, diagnosing, cancel))
            return null;
        var members = new RecordParser(compilation, diagnosing, cancel);
        if (members.Parse(type) is not { } shape)
            return null;
        var bindings = members.Bindings(type, shape);
        return new CanonicalModel(
            type.HintName(".Canonical.g.cs"),
            type.ContainingNamespace.IsGlobalNamespace ? "" : type.ContainingNamespace.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat.WithGlobalNamespaceStyle(SymbolDisplayGlobalNamespaceStyle.Omitted)),
            type.Containers().Select(static outer => outer.PartialDeclaration()).ToEquatable(),
            type.PartialDeclaration(),
            compilation.GetTypeByMetadataName(Symbols.JsonBound) is not null,
            HidesBase(type),
            shape,
            bindings);
    }

    private static bool CanBeExtended(INamedTypeSymbol type, Diagnosing diagnosing, CancellationToken cancel)
    {
        var location = type.Locations.FirstOrDefault();
        if (!type.IsRecord || !type.IsPartial(cancel))
            diagnosing.Report(Rules.NotPartialRecord, location, type.Name);
        foreach (var outer in type.Containers().Where(outer => outer.TypeParameters.Length > 0 || !outer.IsPartial(cancel)))
            diagnosing.Report(Rules.ContainerNotPartial, location, type.Name, outer.Name);
        var open = type switch
        {
            { TypeParameters.Length: > 0 } => "generic",
            { IsAbstract: true } => "abstract",
            { IsFileLocal: true } => "local to its file",
            _ => null,
        };
        if (open is not null)
            diagnosing.Report(Rules.OpenRecord, location, type.Name, open);
        return !diagnosing.Any;
    }

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
