using System;
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

/// <summary>RP0201 to RP0206, RP0208: writes a type with a canonical form where there is one without.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(MemberTypeFix)), Shared]
public sealed class MemberTypeFix : RemedyProvider
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } =
    [
        Rules.UnsupportedType.Id, Rules.UntypedMember.Id, Rules.NoInstant.Id, Rules.UnorderedSet.Id, Rules.MapKeys.Id, Rules.InterfaceMember.Id, Rules.FloatingMoney.Id,
    ];

    private protected override IEnumerable<Remedy> Remedies(Fault fault)
    {
        if (fault.Property(FixProperties.Type) is not { } wrong || MemberSyntax.Of(fault) is not { } member)
            yield break;
        var places = Places(fault, member.Type, wrong);
        if (places.Count == 0)
            yield break;
        var remedy = fault.Property(FixProperties.Replacement) is { } right ? Retype(fault, member, places, right) : MakeCanonical(fault, places[0]);
        if (remedy is not null)
            yield return remedy;
    }

    private static Remedy? MakeCanonical(Fault fault, TypeSyntax place) =>
        fault.Id == Rules.UnsupportedType.Id
            ? Canonicalizing.Of(fault.Model.GetTypeInfo(place, fault.Cancel).Type, "RunProof.RP0201.canonical", fault.Compilation, fault.Cancel)
            : null;

    private static Remedy? Retype(Fault fault, MemberSyntax member, List<TypeSyntax> places, string right)
    {
        var was = fault.Model.GetTypeInfo(member.Type, fault.Cancel).Type;
        if (was is null || member.Value is { IsMissing: true } || NewType(fault, member, places, right) is not { } now)
            return null;
        // A struct always has a value; of a class there must be one.
        var required = member is { MayBeRequired: true, Value: null } && was.IsValueType && now is { IsReferenceType: true, NullableAnnotation: not NullableAnnotation.Annotated };
        var edits = places.Select(place => Edit.Replace(place, required && place == member.Type ? "required " + right : right, holdsNames: true)).ToList();
        if (member.Value is { } value && Defaults.Carried(fault, value, now) is { } carried)
            edits.Add(Edit.Replace(value, carried, holdsNames: true));
        return member.Value is null || Trial.Compiles(fault, member, edits) ? new Remedy("Use " + Shown(now), "RunProof." + fault.Id, edits.ToImmutableArray()) : null;
    }

    /// <summary>The outermost places in a type that name another: of a map its keys, else what is wrong wherever it stands.</summary>
    private static List<TypeSyntax> Places(Fault fault, TypeSyntax type, string wrong)
    {
        if (fault.Id == Rules.MapKeys.Id)
        {
            return type.DescendantNodesAndSelf().OfType<GenericNameSyntax>()
                .Where(static map => map.TypeArgumentList.Arguments.Count == 2)
                .Select(static map => map.TypeArgumentList.Arguments[0])
                .Where(key => Is(key))
                .ToList();
        }

        return type.DescendantNodesAndSelf(node => !Is(node)).OfType<TypeSyntax>().Where(Is).ToList();

        // Nullable<T> holds no class, and its question mark is kept: what stands before it is replaced.
        bool Is(SyntaxNode node) => node is TypeSyntax and not NullableTypeSyntax
            && node.Parent is not TypeArgumentListSyntax { Parent: GenericNameSyntax { Identifier.ValueText: "Nullable" } }
            && fault.Model.GetTypeInfo(node, fault.Cancel).Type is { } named
            && string.Equals(named.FullName(), wrong, StringComparison.Ordinal);
    }

    /// <summary>The member's type as it will be; null where it will be none.</summary>
    private static ITypeSymbol? NewType(Fault fault, MemberSyntax member, List<TypeSyntax> places, string right)
    {
        var written = member.Type.ReplaceNodes(places, (_, _) => SyntaxFactory.ParseTypeName(right)).WithoutTrivia();
        var type = fault.Model.GetSpeculativeTypeInfo(member.Type.SpanStart, written, SpeculativeBindingOption.BindAsTypeOrNamespace).Type;
        if (type is null or IErrorTypeSymbol)
            return null;
        // Bound by itself, a type does not know of the question mark behind it.
        return type.IsReferenceType && written is NullableTypeSyntax ? type.WithNullableAnnotation(NullableAnnotation.Annotated) : type;
    }

    private static string Shown(ITypeSymbol type) =>
        "'" + type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat.AddMiscellaneousOptions(SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier)) + "'";
}
