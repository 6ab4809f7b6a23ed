using System;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>A skill, found from a diagnostic in it.</summary>
/// <param name="Declaration">What carries <c>[Skill]</c>.</param>
/// <param name="Attribute">The attribute.</param>
/// <param name="Method">What is called; null where there is not exactly one.</param>
internal sealed record SkillSyntax(MemberDeclarationSyntax Declaration, AttributeData Attribute, IMethodSymbol? Method)
{
    private const string Tasks = "System.Threading.Tasks.";

    /// <summary>Its name in plans; null where it is being typed.</summary>
    public string? Name => Attribute.Argument(0);

    /// <summary>The type of its first parameter, or null.</summary>
    public ITypeSymbol? Parameters => Method?.Parameters.FirstOrDefault()?.Type;

    /// <summary>The type that its task, and the result in that, holds; null where it returns none.</summary>
    public ITypeSymbol? Outcome => Method?.ReturnType is INamedTypeSymbol { TypeArguments.Length: 1 } task && IsTask(task) ? OfResult(task.TypeArguments[0]) : null;

    public static SkillSyntax? Of(Fault fault)
    {
        for (var node = fault.Around<MemberDeclarationSyntax>(); node is not null; node = node.Parent?.FirstAncestorOrSelf<MemberDeclarationSyntax>())
        {
            if (fault.Declared(node) is { } symbol && symbol.Attribute(Symbols.Skill) is { } attribute)
                return new SkillSyntax(node, attribute, symbol as IMethodSymbol ?? Execute(symbol as INamedTypeSymbol));
        }

        return null;
    }

    /// <summary>Whether a type is a task or value task.</summary>
    public static bool IsTask(INamedTypeSymbol type) => type.DefinitionName() is Tasks + "Task" or Tasks + "ValueTask";

    /// <summary>Of a skill's result its outcome, of all else itself.</summary>
    public static ITypeSymbol OfResult(ITypeSymbol type) =>
        type is INamedTypeSymbol { TypeArguments.Length: 1 } result && string.Equals(result.DefinitionName(), "RunProof.Skills.SkillResult", StringComparison.Ordinal) ? result.TypeArguments[0] : type;

    private static IMethodSymbol? Execute(INamedTypeSymbol? type)
    {
        for (var declaring = type; declaring is not null; declaring = declaring.BaseType)
        {
            var methods = declaring.GetMembers("ExecuteAsync").OfType<IMethodSymbol>().Where(static method => method.DeclaredAccessibility == Accessibility.Public).ToList();
            if (methods.Count > 0)
                return methods.Count == 1 ? methods[0] : null;
        }

        return null;
    }
}
