using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>The warnings about a canonical record: code is generated all the same, so only the analyzer asks for them.</summary>
internal static class RecordAdvice
{
    public static void Give(INamedTypeSymbol type, Compilation compilation, Diagnosing diagnosing, CancellationToken cancel)
    {
        if (!type.IsRecord)
            return;
        var construction = Construction.Of(type, cancel);
        foreach (var member in RecordParser.Properties(type))
        {
            if (!IsToldAtBase(type, member, compilation))
                AboutMember(type, member, construction, diagnosing);
        }

        foreach (var field in type.GetMembers().OfType<IFieldSymbol>())
            AboutField(type, field, diagnosing);
    }

    /// <summary>A public field that can be assigned is no member: it changes unhashed.</summary>
    private static void AboutField(INamedTypeSymbol type, IFieldSymbol field, Diagnosing diagnosing)
    {
        if (field is { DeclaredAccessibility: Accessibility.Public, IsStatic: false, IsReadOnly: false, IsConst: false, IsImplicitlyDeclared: false })
            diagnosing.Report(
                Rules.SettableState,
                field.Locations.FirstOrDefault(),
                FixProperties.Of((FixProperties.Member, field.Name)),
                type.Name + "." + field.Name,
                "it is a field, which is not hashed at all; make it a property with 'init', or not public");
    }

    private static void AboutMember(INamedTypeSymbol type, IPropertySymbol member, Construction construction, Diagnosing diagnosing)
    {
        if (member.SetMethod is { IsInitOnly: false })
            AboutSetter(type, member, construction, diagnosing);
        if (Money.Floating(member.Type) is { } floating && (Money.IsMeant(SnakeCase.Of(member.Name)) || Money.IsMeant(RecordParser.GivenWireName(construction, member) ?? "")))
            AboutMoney(type, member, floating, diagnosing);
    }

    private static void AboutSetter(INamedTypeSymbol type, IPropertySymbol member, Construction construction, Diagnosing diagnosing)
    {
        // The positional members of a record struct are settable unless the struct is readonly: one remedy for all, told once.
        var isPositional = type.TypeKind == TypeKind.Struct && construction.Parameter(member) is not null && member.DeclaringSyntaxReferences.All(static reference => reference.GetSyntax() is Microsoft.CodeAnalysis.CSharp.Syntax.ParameterSyntax);
        if (isPositional)
            diagnosing.Report(Rules.SettableState, type.Place(Symbols.Canonical), FixProperties.Of((FixProperties.Declare, "readonly")), type.Name, "declare the struct 'readonly'");
        else
            diagnosing.Report(Rules.SettableState, RecordParser.Place(type, member), FixProperties.Of((FixProperties.Member, member.Name), (FixProperties.Declare, "init")), type.Name + "." + member.Name, "use 'init' for 'set'");
    }

    private static void AboutMoney(INamedTypeSymbol type, IPropertySymbol member, ITypeSymbol floating, Diagnosing diagnosing) => diagnosing.Report(
        Rules.FloatingMoney,
        RecordParser.Place(type, member),
        FixProperties.Of((FixProperties.Member, member.Name), (FixProperties.Type, floating.FullName()), (FixProperties.Replacement, "decimal")),
        type.Name + "." + member.Name,
        floating.ShortName());

    private static bool IsToldAtBase(INamedTypeSymbol type, IPropertySymbol member, Compilation compilation) =>
        !SymbolEqualityComparer.Default.Equals(member.ContainingType, type)
        && SymbolEqualityComparer.Default.Equals(member.ContainingAssembly, compilation.Assembly)
        && member.ContainingType.Attribute(Symbols.Canonical) is not null;
}
