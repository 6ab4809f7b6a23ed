using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>RP0106, RP0209: members are set when the record is made, and never after.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(AccessorFix)), Shared]
public sealed class AccessorFix : RemedyProvider
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [Rules.SettableState.Id, Rules.NotSettable.Id];

    private protected override IEnumerable<Remedy> Remedies(Fault fault)
    {
        var remedy = fault.Id == Rules.NotSettable.Id ? AddInit(fault) : fault.Around<PropertyDeclarationSyntax>() is { } property ? SetToInit(property) : MakeReadonly(fault);
        if (remedy is not null)
            yield return remedy;
    }

    private static Remedy? SetToInit(PropertyDeclarationSyntax property)
    {
        var set = Accessor(property, SyntaxKind.SetAccessorDeclaration);
        if (set is null || set.Keyword.IsMissing)
            return null;
        return new Remedy($"Make 'set' of '{property.Identifier.ValueText}' 'init'", "RunProof.RP0106.init", [Edit.Replace(set.Keyword, "init")]);
    }

    /// <summary>Only <c>{ get; }</c>: what a property computes cannot be set, and the accessors of what it overrides are not its own to choose.</summary>
    private static Remedy? AddInit(Fault fault)
    {
        if (fault.Around<PropertyDeclarationSyntax>() is not { AccessorList.Accessors.Count: 1 } property
            || property.AccessorList.Accessors[0] is not { RawKind: (int)SyntaxKind.GetAccessorDeclaration, Body: null, ExpressionBody: null, SemicolonToken.IsMissing: false } get
            || property.Modifiers.Any(static modifier => modifier.IsKind(SyntaxKind.OverrideKeyword) || modifier.IsKind(SyntaxKind.AbstractKeyword)))
            return null;
        return new Remedy($"Give '{property.Identifier.ValueText}' an init accessor", "RunProof.RP0209", [Edit.InsertAfter(get.SemicolonToken, " init;")]);
    }

    /// <summary>The parameters of a record struct are settable unless the whole struct is readonly.</summary>
    private static Remedy? MakeReadonly(Fault fault)
    {
        if (fault.Around<RecordDeclarationSyntax>() is not { RawKind: (int)SyntaxKind.RecordStructDeclaration } declaration || fault.Declared(declaration) is not INamedTypeSymbol type)
            return null;
        if (type.IsReadOnly || type.GetMembers().OfType<IFieldSymbol>().Any(static field => field is { IsImplicitlyDeclared: false, IsStatic: false, IsReadOnly: false, IsConst: false }))
            return null;
        var before = declaration.Modifiers.FirstOrDefault(static modifier => modifier.IsKind(SyntaxKind.PartialKeyword)) is { RawKind: not 0 } partial ? partial : declaration.Keyword;
        var settable = Declarations.Of(type, fault.Cancel)
            .SelectMany(static part => part.Members.OfType<PropertyDeclarationSyntax>())
            .Where(static property => !property.Modifiers.Any(SyntaxKind.StaticKeyword))
            .Select(static property => Accessor(property, SyntaxKind.SetAccessorDeclaration))
            .Where(static set => set is { Body: null, ExpressionBody: null, Keyword.IsMissing: false })
            .Select(static set => Edit.Replace(set!.Keyword, "init"));
        return new Remedy($"Make '{type.Name}' a readonly record struct", "RunProof.RP0106.readonly", settable.Prepend(Edit.InsertBefore(before, "readonly ")).ToImmutableArray());
    }

    private static AccessorDeclarationSyntax? Accessor(PropertyDeclarationSyntax property, SyntaxKind kind) =>
        property.AccessorList?.Accessors.FirstOrDefault(accessor => accessor.IsKind(kind));
}
