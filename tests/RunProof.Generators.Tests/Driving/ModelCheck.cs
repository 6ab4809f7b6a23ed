using System.Collections;
using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace RunProof.Generators.Tests.Driving;

/// <summary>
/// Whether a model may be kept between two keystrokes: it is compared by value, whatever is in it is too, and nothing in it belongs to the compiler.
/// Types are judged by what they are, not by what they are called.
/// </summary>
internal static class ModelCheck
{
    // Each holds a compilation, or is equal to nothing but itself.
    private static readonly Type[] Forbidden =
    [
        typeof(Compilation), typeof(ISymbol), typeof(SyntaxNode), typeof(SyntaxTree), typeof(SyntaxToken), typeof(SyntaxTrivia), typeof(SyntaxReference), typeof(SemanticModel),
        typeof(IOperation), typeof(AttributeData), typeof(TypedConstant), typeof(Location), typeof(Diagnostic), typeof(MetadataReference), typeof(SourceText), typeof(AdditionalText),
        typeof(Delegate), typeof(Array), typeof(IEnumerator), typeof(Exception), typeof(MemberInfo), typeof(WeakReference),
    ];

    private static readonly HashSet<Type> Leaves = [typeof(string), typeof(decimal)];

    /// <summary>What speaks against a type, by the path of fields that leads to it; empty where nothing does.</summary>
    public static IReadOnlyList<string> Faults(Type model)
    {
        var faults = new List<string>();
        foreach (var type in Parts(model))
            Check(type, type.Name, [], faults);
        return faults;
    }

    /// <summary>What a step puts out as the compiler's own operators wrap it: a pair by <c>Combine</c>, an immutable array by <c>Collect</c>, which compares its items.</summary>
    private static IEnumerable<Type> Parts(Type output)
    {
        if (output.IsGenericType && (IsTuple(output) || output.GetGenericTypeDefinition() == typeof(ImmutableArray<>)))
            return output.GetGenericArguments().SelectMany(Parts);
        return typeof(AdditionalText).IsAssignableFrom(output) ? [] : [output];
    }

    /// <summary>What speaks against a value, looking into all that it holds at run time.</summary>
    public static IReadOnlyList<string> FaultsOf(object? value)
    {
        var faults = new List<string>();
        foreach (var part in Parts(value))
            Walk(part, part.GetType().Name, new HashSet<object>(ReferenceEqualityComparer.Instance), faults);
        return faults;
    }

    private static IEnumerable<object> Parts(object? output) => output switch
    {
        // An additional file that only passes through, as it does where `Where` looks at its path, is the compiler's own.
        null or AdditionalText => [],
        ITuple tuple when IsTuple(tuple.GetType()) => Enumerable.Range(0, tuple.Length).SelectMany(i => Parts(tuple[i])),
        IEnumerable items when output.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>) => items.Cast<object?>().SelectMany(Parts),
        _ => [output],
    };

    private static void Check(Type type, string path, HashSet<Type> seen, List<string> faults)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (!seen.Add(type) || type.IsPrimitive || type.IsEnum || Leaves.Contains(type))
            return;
        if (Forbidden.FirstOrDefault(forbidden => forbidden.IsAssignableFrom(type)) is { } bad)
            faults.Add($"{path} is a {bad.Name}");
        else if (type == typeof(object) || type.IsInterface || type.IsAbstract)
            faults.Add($"{path} is a {type.Name}, which may be anything");
        else if (IsTuple(type))
            Fields(type, path, seen, faults);
        else if (!typeof(IEquatable<>).MakeGenericType(type).IsAssignableFrom(type))
            faults.Add($"{path} is a {type.Name}, which is not compared by value");
        else if (IsEquatableArray(type))
            Check(type.GetGenericArguments()[0], path + "[]", seen, faults);
        else if (type.Assembly == typeof(object).Assembly)
            faults.Add($"{path} is a {type.Name}, which no model needs");
        else
            Fields(type, path, seen, faults);
    }

    private static void Fields(Type type, string path, HashSet<Type> seen, List<string> faults)
    {
        for (var declaring = type; declaring is not null && declaring != typeof(object) && declaring != typeof(ValueType); declaring = declaring.BaseType)
        {
            foreach (var field in declaring.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                Check(field.FieldType, path + "." + Name(field), seen, faults);
        }
    }

    private static void Walk(object? value, string path, HashSet<object> seen, List<string> faults)
    {
        if (value is null || value is string || value.GetType().IsPrimitive || value is Enum || !seen.Add(value))
            return;
        var type = value.GetType();
        if (IsEquatableArray(type))
        {
            foreach (var item in (IEnumerable)value)
                Walk(item, path + "[]", seen, faults);
            return;
        }

        if (Forbidden.FirstOrDefault(forbidden => forbidden.IsInstanceOfType(value)) is { } bad)
        {
            faults.Add($"{path} is a {bad.Name}");
            return;
        }

        for (var declaring = type; declaring is not null && declaring != typeof(object); declaring = declaring.BaseType)
        {
            foreach (var field in declaring.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                Walk(field.GetValue(value), path + "." + Name(field), seen, faults);
        }
    }

    private static string Name(FieldInfo field) => field.Name.StartsWith('<') ? field.Name[1..field.Name.IndexOf('>', StringComparison.Ordinal)] : field.Name;

    private static bool IsTuple(Type type) => type.IsGenericType && type.FullName!.StartsWith("System.ValueTuple`", StringComparison.Ordinal);

    /// <summary>The one type that may hold an array: it compares the items.</summary>
    private static bool IsEquatableArray(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(CanonicalGenerator).Assembly.GetType("RunProof.Generators.EquatableArray`1", throwOnError: true);
}
