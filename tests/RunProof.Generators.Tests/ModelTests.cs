using System.Reflection;

namespace RunProof.Generators.Tests;

/// <summary>Models are what the compiler keeps between two keystrokes.</summary>
public sealed class ModelTests
{
    private static readonly Assembly Generators = typeof(CanonicalGenerator).Assembly;

    public static TheoryData<string> Models() => ["CanonicalModel", "SkillModel"];

    [Theory]
    [MemberData(nameof(Models))]
    public void A_model_holds_no_object_of_the_compiler_and_no_array(string name)
    {
        var seen = new HashSet<Type>();
        var pending = new Queue<Type>([Generators.GetType("RunProof.Generators." + name, throwOnError: true)!]);
        while (pending.TryDequeue(out var type))
        {
            if (!seen.Add(type))
                continue;
            Assert.False(type.FullName!.StartsWith("Microsoft.CodeAnalysis", StringComparison.Ordinal), $"{name} reaches {type}");
            if (type.Assembly != Generators)
                continue;
            foreach (var argument in type.GetGenericArguments())
                pending.Enqueue(argument);
            if (type.Name.StartsWith("EquatableArray", StringComparison.Ordinal))
                continue;
            foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
            {
                Assert.False(field.FieldType.IsArray, $"{type}.{field.Name} is an array, which is never equal to another");
                pending.Enqueue(Nullable.GetUnderlyingType(field.FieldType) ?? field.FieldType);
            }
        }

        Assert.True(seen.Count > 1);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_model_is_compared_by_value(string name)
    {
        var type = Generators.GetType("RunProof.Generators." + name, throwOnError: true)!;
        Assert.True(typeof(IEquatable<>).MakeGenericType(type).IsAssignableFrom(type));
        Assert.NotNull(type.GetMethod("<Clone>$"));
    }
}
