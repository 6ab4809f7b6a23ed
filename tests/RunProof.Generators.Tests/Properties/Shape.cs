using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Generators.Tests.Properties;

/// <summary>A type as reflection sees it, without the generator: what its wire names are and where null may stand.</summary>
/// <param name="Type">Without its question mark.</param>
/// <param name="IsNullable">Whether null may stand there.</param>
/// <param name="Element">Of a list or map, what it holds.</param>
internal sealed record Shape(Type Type, bool IsNullable, Shape? Element)
{
    private static readonly NullabilityInfoContext Nullability = new();

    private readonly Lazy<IReadOnlyList<Member>> _members = new(() => [.. MembersOf(Type)]);

    public bool IsList => (Type.IsArray && Type != typeof(byte[])) || Definition == typeof(List<>) || Definition == typeof(IReadOnlyList<>) || Definition == typeof(ImmutableArray<>);

    public bool IsMap => Definition == typeof(IReadOnlyDictionary<,>) || Definition == typeof(Dictionary<,>) || Definition == typeof(ImmutableSortedDictionary<,>);

    public bool IsRecord => Type.GetCustomAttribute<CanonicalAttribute>() is not null;

    /// <summary>Of a record, its members.</summary>
    public IReadOnlyList<Member> Members => _members.Value;

    private Type? Definition => Type.IsGenericType ? Type.GetGenericTypeDefinition() : null;

    public static Shape Of(Type record) => new(record, false, null);

    /// <summary>The constructor that takes its members; its parameters are called as they are.</summary>
    public ConstructorInfo? Constructor() => Type
        .GetConstructors(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance)
        .Where(constructor => constructor.GetParameters() is not [var single] || single.ParameterType != Type)
        .MaxBy(static constructor => constructor.GetParameters().Length);

    /// <summary>The wire name of an enum's value.</summary>
    public static string Word(Enum value)
    {
        var field = value.GetType().GetField(value.ToString())!;
        return field.GetCustomAttribute<WireNameAttribute>()?.Name ?? JsonNamingPolicy.SnakeCaseLower.ConvertName(field.Name);
    }

    private static IEnumerable<Member> MembersOf(Type type)
    {
        var parameters = Of(type).Constructor()?.GetParameters() ?? [];
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            var parameter = parameters.FirstOrDefault(parameter => parameter.Name == property.Name)
                ?? parameters.FirstOrDefault(parameter => string.Equals(parameter.Name, property.Name, StringComparison.OrdinalIgnoreCase));
            var given = property.GetCustomAttribute<WireNameAttribute>() ?? parameter?.GetCustomAttribute<WireNameAttribute>();
            yield return new Member(given?.Name ?? JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name), property, parameter, Of(Nullability.Create(property)));
        }
    }

    private static Shape Of(NullabilityInfo info)
    {
        if (Nullable.GetUnderlyingType(info.Type) is { } bare)
        {
            // Of a struct that may be null, the arguments are those of the struct.
            return new Shape(bare, true, bare.IsGenericType && bare != typeof(ReadOnlyMemory<byte>) ? Of(info.GenericTypeArguments[^1]) : null);
        }

        var element = info.ElementType ?? (info.GenericTypeArguments.Length > 0 && info.Type != typeof(ReadOnlyMemory<byte>) ? info.GenericTypeArguments[^1] : null);
        return new Shape(info.Type, info.ReadState == NullabilityState.Nullable, element is null || info.Type == typeof(byte[]) ? null : Of(element));
    }
}

/// <summary>A member of a record.</summary>
/// <param name="Wire">Its wire name.</param>
/// <param name="Property">The property.</param>
/// <param name="Parameter">The constructor's parameter that gives it its value, or null.</param>
/// <param name="Shape">Its type.</param>
internal sealed record Member(string Wire, PropertyInfo Property, ParameterInfo? Parameter, Shape Shape);
