using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>The type of one member: how it is written, or why it cannot be.</summary>
internal sealed class WireTypeParser(RecordParser records, INamedTypeSymbol holder, IPropertySymbol property)
{
    public const string WireNameAttribute = "RunProof.Format.WireNameAttribute";

    private string Member => holder.Name + "." + property.Name;

    /// <summary>The wire type; null where there is none, which has been reported then (or is the compiler's to report).</summary>
    public WireType? Parse(ITypeSymbol type)
    {
        if (type is INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } nullable)
            return Parse(nullable.TypeArguments[0]) is { } inner ? inner with { IsNullable = true } : null;
        if (type.TypeKind == TypeKind.Error)
            return null;
        if (type is { IsReferenceType: true, NullableAnnotation: NullableAnnotation.None })
        {
            Report(Rules.Oblivious, Member);
            return null;
        }

        var bare = ParseBare(type);
        return bare is null ? null : bare with { IsNullable = type.IsReferenceType && type.NullableAnnotation == NullableAnnotation.Annotated };
    }

    /// <summary>Why a text cannot be a wire name, or null.</summary>
    public static string? ProblemOfName(string name)
    {
        if (name.Length == 0)
            return "it is empty";
        for (var i = 0; i < name.Length; i++)
        {
            if (char.IsSurrogatePair(name, i))
                i++;
            else if (char.IsSurrogate(name[i]))
                return "it holds a lone surrogate, which has no canonical form";
        }

        return null;
    }

    private WireType? ParseBare(ITypeSymbol type)
    {
        if (OfSpecialType(type) is { } special)
            return special;
        if (type.TypeKind == TypeKind.Enum)
            return ParseEnum((INamedTypeSymbol)type);
        if (type is IArrayTypeSymbol array)
            return ParseArray(array);
        if (type is not INamedTypeSymbol named)
            return Refuse(type);
        return IsNamed(named, out var known) ? known : ParseAttributed(named);
    }

    private static WireType? OfSpecialType(ITypeSymbol type) => type.SpecialType switch
    {
        SpecialType.System_String => new WireType(WireKind.Text, "string", false, true),
        SpecialType.System_Boolean => new WireType(WireKind.Boolean, "bool", false, false),
        SpecialType.System_SByte or SpecialType.System_Int16 or SpecialType.System_Int32 or SpecialType.System_Byte or SpecialType.System_UInt16 =>
            new WireType(WireKind.SignedNumber, type.FullName(), false, false) { Width = type.Name },
        SpecialType.System_UInt32 => new WireType(WireKind.UnsignedNumber, "uint", false, false) { Width = type.Name },
        SpecialType.System_Int64 or SpecialType.System_UInt64 => new WireType(WireKind.WideInteger, type.FullName(), false, false) { Width = type.Name },
        SpecialType.System_Decimal => new WireType(WireKind.Decimal, "decimal", false, false),
        SpecialType.System_Single => new WireType(WireKind.Single, "float", false, false),
        SpecialType.System_Double => new WireType(WireKind.Double, "double", false, false),
        _ => null,
    };

    /// <summary>A type that is known by its name; false where it is not, and then something else may be known about it.</summary>
    private bool IsNamed(INamedTypeSymbol type, out WireType? wire)
    {
        var full = type.FullName();
        wire = null;
        switch (type.DefinitionName())
        {
            case "System.Int128" or "System.UInt128":
                wire = new WireType(WireKind.WideInteger, full, false, false) { Width = type.Name };
                return true;
            case "System.DateTimeOffset":
                wire = new WireType(WireKind.Time, full, false, false);
                return true;
            case "System.Guid":
                wire = new WireType(WireKind.Guid, full, false, false);
                return true;
            case "System.TimeSpan":
                wire = new WireType(WireKind.Duration, full, false, false);
                return true;
            case "RunProof.Format.CanonicalJson":
                wire = new WireType(WireKind.Json, full, false, true);
                return true;
            default:
                return IsCollection(type, full, out wire);
        }
    }

    private bool IsCollection(INamedTypeSymbol type, string full, out WireType? wire)
    {
        wire = null;
        switch (type.DefinitionName(), type.TypeArguments.Length)
        {
            case ("System.ReadOnlyMemory", 1) when type.TypeArguments[0].SpecialType == SpecialType.System_Byte:
                wire = new WireType(WireKind.Bytes, full, false, false) { Form = CollectionForm.ReadOnlyMemory };
                return true;
            case ("System.Collections.Generic.IReadOnlyList", 1):
                wire = ParseList(type, CollectionForm.Array);
                return true;
            case ("System.Collections.Generic.List", 1):
                wire = ParseList(type, CollectionForm.List);
                return true;
            case ("System.Collections.Immutable.ImmutableArray", 1):
                wire = ParseList(type, CollectionForm.ImmutableArray);
                return true;
            case ("System.Collections.Generic.IReadOnlyDictionary" or "System.Collections.Generic.Dictionary", 2):
                wire = ParseMap(type, CollectionForm.Dictionary);
                return true;
            case ("System.Collections.Immutable.ImmutableSortedDictionary", 2):
                wire = ParseMap(type, CollectionForm.ImmutableSortedDictionary);
                return true;
            default:
                return false;
        }
    }

    private WireType? ParseArray(IArrayTypeSymbol array)
    {
        if (array.Rank != 1)
            return Refuse(array);
        if (array.ElementType.SpecialType == SpecialType.System_Byte)
            return new WireType(WireKind.Bytes, "byte[]", false, true) { Form = CollectionForm.Array };
        return Parse(array.ElementType) is { } element ? new WireType(WireKind.List, array.FullName(), false, true) { Element = element, Form = CollectionForm.Array } : null;
    }

    private WireType? ParseList(INamedTypeSymbol type, CollectionForm form) =>
        Parse(type.TypeArguments[0]) is { } element ? new WireType(WireKind.List, type.FullName(), false, type.IsReferenceType) { Element = element, Form = form } : null;

    private WireType? ParseMap(INamedTypeSymbol type, CollectionForm form)
    {
        if (type.TypeArguments[0].SpecialType != SpecialType.System_String)
        {
            records.ReportType(Rules.MapKeys, property, Fix(type.TypeArguments[0], "string"), Member, type.TypeArguments[0].ShortName());
            return null;
        }

        return Parse(type.TypeArguments[1]) is { } element ? new WireType(WireKind.Map, type.FullName(), false, true) { Element = element, Form = form } : null;
    }

    private WireType? ParseAttributed(INamedTypeSymbol type)
    {
        if (type.Attribute("RunProof.Format.CanonicalScalarAttribute") is { } scalar)
            return ParseScalar(type, scalar.Argument(0) ?? "");
        if (type.Attribute(Symbols.Canonical) is null)
            return Refuse(type);
        if (records.LeadsBack(type))
            return null;
        if (!records.CanBind(type))
        {
            Report(Rules.NotBound, Member, type.Name, type.ContainingAssembly.Name);
            return null;
        }

        if (records.Parse(type) is { } shape)
            return new WireType(WireKind.Record, type.FullName(), false, type.IsReferenceType) { Record = shape };
        if (!records.IsOfThisAssembly(type))
            Report(Rules.UnsupportedType, Member, type.ShortName(), "assembly '" + type.ContainingAssembly.Name + "' does not compile without faults of its own");
        return null;
    }

    private WireType? ParseScalar(INamedTypeSymbol type, string spelling)
    {
        if (type.IsGenericType || spelling is not ("string" or "integer"))
        {
            Report(Rules.UnsupportedType, Member, type.ShortName(), "a [CanonicalScalar] struct is not generic and spells \"string\" or \"integer\"");
            return null;
        }

        return new WireType(WireKind.Scalar, type.FullName(), false, false) { Spelling = spelling };
    }

    private WireType? ParseEnum(INamedTypeSymbol type)
    {
        var words = new List<EnumWord>();
        var fields = type.GetMembers().OfType<IFieldSymbol>().Where(static field => field.HasConstantValue).ToList();
        foreach (var field in fields)
            words.Add(new EnumWord(type.FullName() + "." + Symbols.Escaped(field.Name), field.Attribute(WireNameAttribute)?.Argument(0) ?? SnakeCase.Of(field.Name)));
        if (ProblemOfEnum(type, fields, words) is not { } problem)
            return new WireType(WireKind.Enum, type.FullName(), false, false) { Words = words.ToEquatable() };
        Report(Rules.BadEnum, Member, type.Name, problem);
        return null;
    }

    private static string? ProblemOfEnum(INamedTypeSymbol type, List<IFieldSymbol> fields, List<EnumWord> words)
    {
        if (type.Attribute("System.FlagsAttribute") is not null)
            return "flags combine, and a combination has no name";
        if (words.Count == 0)
            return "it has no values";
        if (fields.GroupBy(static field => field.ConstantValue).FirstOrDefault(static same => same.Count() > 1) is { } alias)
            return $"{string.Join(" and ", alias.Select(static field => field.Name))} are the same value";
        if (words.GroupBy(static word => word.Wire, StringComparer.Ordinal).FirstOrDefault(static same => same.Count() > 1) is { } twice)
            return $"two values are called \"{twice.Key}\" on the wire";
        var odd = words.FirstOrDefault(static word => ProblemOfName(word.Wire) is not null || word.Wire.IndexOfAny(['|', '(', ')']) >= 0);
        return odd is null ? null : $"\"{odd.Wire}\" cannot be a wire name: it must not be empty, nor hold a lone surrogate or one of | ( )";
    }

    private WireType? Refuse(ITypeSymbol type)
    {
        var refusal = Refusal.Of(type);
        records.ReportType(refusal.Rule, property, Fix(type, refusal.Replacement), Member, type.ShortName(), refusal.Remedy);
        return null;
    }

    private void Report(DiagnosticDescriptor rule, params string[] arguments) =>
        records.ReportType(rule, property, FixProperties.Of((FixProperties.Member, property.Name)), arguments);

    private ImmutableDictionary<string, string?> Fix(ITypeSymbol type, string? replacement) =>
        FixProperties.Of((FixProperties.Member, property.Name), (FixProperties.Type, type.FullName()), (FixProperties.Replacement, replacement));
}
