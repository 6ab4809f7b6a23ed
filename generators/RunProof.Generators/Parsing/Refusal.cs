using System.Linq;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>Why a type has no canonical form, and what to use.</summary>
/// <param name="Rule">The rule that it breaks.</param>
/// <param name="Remedy">What the rule's message says last, where that differs from type to type.</param>
/// <param name="Replacement">The type to write instead, full; null where none is obvious.</param>
internal readonly record struct Refusal(DiagnosticDescriptor Rule, string Remedy, string? Replacement)
{
    private const string Generic = "global::System.Collections.Generic.";

    public static Refusal Of(ITypeSymbol type)
    {
        if (type.TypeKind == TypeKind.Dynamic || type.SpecialType == SpecialType.System_Object)
            return Untyped;
        return type switch
        {
            IArrayTypeSymbol => new(Rules.UnsupportedType, "use an array of arrays", null),
            INamedTypeSymbol named => OfNamed(named),
            _ => new(Rules.UnsupportedType, "use a record, a list or CanonicalJson", null),
        };
    }

    private static Refusal Untyped => new(Rules.UntypedMember, "", "global::RunProof.Format.CanonicalJson");

    private static Refusal OfNamed(INamedTypeSymbol type)
    {
        var name = type.DefinitionName();
        if (name is "System.Text.Json.JsonElement" or "System.Text.Json.JsonDocument" || name.StartsWith("System.Text.Json.Nodes.Json", System.StringComparison.Ordinal))
            return Untyped;
        return OfTime(name) ?? OfSet(type, name) ?? OfInterface(type, name) ?? OfOther(type, name);
    }

    private static Refusal? OfTime(string name) => name switch
    {
        "System.DateTime" => new(Rules.NoInstant, "use DateTimeOffset", "global::System.DateTimeOffset"),
        "System.DateOnly" => new(Rules.NoInstant, "use DateTimeOffset, or a string of your own form", "global::System.DateTimeOffset"),
        "System.TimeOnly" => new(Rules.NoInstant, "use DateTimeOffset, or TimeSpan since midnight", "global::System.DateTimeOffset"),
        _ => null,
    };

    private static Refusal? OfSet(INamedTypeSymbol type, string name)
    {
        var isSorted = name is "System.Collections.Generic.SortedSet" or "System.Collections.Immutable.ImmutableSortedSet";
        var set = type.AllInterfaces.Prepend(type).FirstOrDefault(IsSet);
        if (set is null && name != "System.Collections.Concurrent.ConcurrentBag")
            return null;
        return new(Rules.UnorderedSet, isSorted ? "is its comparer's, which may follow a culture" : "is not determined", ListOf((set ?? type).TypeArguments[0]));
    }

    private static bool IsSet(INamedTypeSymbol type) =>
        type.Name is "ISet" or "IReadOnlySet" or "IImmutableSet" && type.TypeArguments.Length == 1 && type.DefinitionName().StartsWith("System.Collections.", System.StringComparison.Ordinal);

    private static Refusal? OfInterface(INamedTypeSymbol type, string name)
    {
        if (type.TypeKind != TypeKind.Interface)
            return null;
        return name switch
        {
            "System.Collections.Generic.IEnumerable" or "System.Collections.Generic.IList" or "System.Collections.Generic.ICollection" or "System.Collections.Generic.IReadOnlyCollection"
                or "System.Collections.Immutable.IImmutableList" when type.TypeArguments.Length == 1 =>
                new(Rules.InterfaceMember, "use IReadOnlyList<T>, which is read in order", ListOf(type.TypeArguments[0])),
            "System.Collections.Generic.IDictionary" or "System.Collections.Immutable.IImmutableDictionary" =>
                new(Rules.InterfaceMember, "use IReadOnlyDictionary<string, T>", MapOf(type)),
            _ => new(Rules.InterfaceMember, "use a [Canonical] record, or CanonicalJson", null),
        };
    }

    private static Refusal OfOther(INamedTypeSymbol type, string name) => name switch
    {
        "System.Char" or "System.Uri" or "System.Version" => new(Rules.UnsupportedType, "use string", "string"),
        "System.Half" => new(Rules.UnsupportedType, "use double", "double"),
        "System.IntPtr" or "System.UIntPtr" => new(Rules.UnsupportedType, "use int or long", "long"),
        "System.Memory" or "System.ArraySegment" when type.TypeArguments[0].SpecialType == SpecialType.System_Byte =>
            new(Rules.UnsupportedType, "use byte[] or ReadOnlyMemory<byte>", "global::System.ReadOnlyMemory<byte>"),
        "System.Collections.Generic.SortedDictionary" or "System.Collections.Generic.SortedList" or "System.Collections.Immutable.ImmutableDictionary"
            or "System.Collections.Concurrent.ConcurrentDictionary" or "System.Collections.Frozen.FrozenDictionary" or "System.Collections.ObjectModel.ReadOnlyDictionary" =>
            new(Rules.UnsupportedType, "use IReadOnlyDictionary<string, T>, Dictionary<string, T> or ImmutableSortedDictionary<string, T>", MapOf(type)),
        _ => new(Rules.UnsupportedType, RemedyOf(type), ListLike(type)),
    };

    private static string RemedyOf(INamedTypeSymbol type)
    {
        if (ListLike(type) is not null)
            return "use IReadOnlyList<T>, an array, List<T> or ImmutableArray<T>";
        return type.IsRecord ? "give the record [Canonical]" : "use a [Canonical] record, a [CanonicalScalar] struct, or one of the types of the proof format's section 1";
    }

    /// <summary>Of a class of the platform's that holds many of one type, the list of it.</summary>
    private static string? ListLike(INamedTypeSymbol type) =>
        type.TypeArguments.Length == 1 && type.DefinitionName().StartsWith("System.Collections.", System.StringComparison.Ordinal) ? ListOf(type.TypeArguments[0]) : null;

    private static string ListOf(ITypeSymbol item) => Generic + "IReadOnlyList<" + item.DeclaredName() + ">";

    private static string? MapOf(INamedTypeSymbol type) => type.TypeArguments.Length == 2 && type.TypeArguments[0].SpecialType == SpecialType.System_String
        ? Generic + "IReadOnlyDictionary<string, " + type.TypeArguments[1].DeclaredName() + ">"
        : null;
}
