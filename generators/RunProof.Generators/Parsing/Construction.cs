using System;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace RunProof.Generators;

/// <summary>The constructor that a binder calls, and which of its parameters is which member.</summary>
internal sealed class Construction
{
    private readonly INamedTypeSymbol _type;
    private readonly IMethodSymbol? _constructor;

    private Construction(INamedTypeSymbol type, IMethodSymbol? constructor)
    {
        _type = type;
        _constructor = constructor;
    }

    /// <summary>Why there is none to call, or null.</summary>
    public string? Problem
    {
        get
        {
            if (_constructor is null)
                return "it has several constructors and no primary one";
            var stranger = _constructor.Parameters.FirstOrDefault(parameter => !parameter.HasExplicitDefaultValue && !IsMember(parameter));
            return stranger is null ? null : $"its constructor's parameter '{stranger.Name}' is no public property";
        }
    }

    /// <summary>The primary constructor; else one without parameters; else the only one.</summary>
    public static Construction Of(INamedTypeSymbol type, CancellationToken cancel)
    {
        var all = type.InstanceConstructors.Where(constructor => !IsCopy(type, constructor)).ToList();
        var primary = all.FirstOrDefault(constructor => constructor.DeclaringSyntaxReferences.Any(reference => reference.GetSyntax(cancel) is RecordDeclarationSyntax));
        // A compiled record struct with a primary constructor has the parameterless one beside it.
        var metadata = type.DeclaringSyntaxReferences.IsEmpty ? all.Where(static constructor => constructor.Parameters.Length > 0).ToList() : [];
        var chosen = primary
            ?? (metadata.Count == 1 ? metadata[0] : null)
            ?? all.FirstOrDefault(static constructor => constructor.Parameters.IsEmpty)
            ?? (all.Count == 1 ? all[0] : null);
        return new Construction(type, chosen);
    }

    /// <summary>The parameter that gives a member its value, or null.</summary>
    public IParameterSymbol? Parameter(IPropertySymbol property) =>
        _constructor?.Parameters.FirstOrDefault(parameter => string.Equals(parameter.Name, property.Name, StringComparison.Ordinal))
        ?? _constructor?.Parameters.FirstOrDefault(parameter => string.Equals(parameter.Name, property.Name, StringComparison.OrdinalIgnoreCase) && !IsNameOfMember(parameter));

    /// <summary>Where the member stands among the arguments; after them where it is none.</summary>
    public int Position(IPropertySymbol property) => Parameter(property)?.Ordinal ?? int.MaxValue;

    /// <summary>Whether another member has exactly the parameter's name: then it is that one's, however alike the names are.</summary>
    private bool IsNameOfMember(IParameterSymbol parameter)
    {
        for (var declaring = _type; declaring is not null; declaring = declaring.BaseType)
        {
            if (declaring.GetMembers(parameter.Name).OfType<IPropertySymbol>().Any(static property => property.DeclaredAccessibility == Accessibility.Public))
                return true;
        }

        return false;
    }

    private bool IsMember(IParameterSymbol parameter)
    {
        for (var declaring = _type; declaring is not null; declaring = declaring.BaseType)
        {
            if (declaring.GetMembers().OfType<IPropertySymbol>().Any(property => string.Equals(property.Name, parameter.Name, StringComparison.OrdinalIgnoreCase)
                && property.DeclaredAccessibility == Accessibility.Public))
                return true;
        }

        return false;
    }

    private static bool IsCopy(INamedTypeSymbol type, IMethodSymbol constructor) =>
        type.IsReferenceType && constructor.Parameters.Length == 1 && SymbolEqualityComparer.Default.Equals(constructor.Parameters[0].Type, type);
}
