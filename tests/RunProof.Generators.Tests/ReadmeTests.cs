using System.Reflection;
using System.Runtime.Loader;
using System.Text.Json;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.Extensions.DependencyInjection;
using RunProof.Format;
using RunProof.Generators.Tests.Driving;
using RunProof.Skills;

namespace RunProof.Generators.Tests;

/// <summary>The skill in the README, as a newcomer would paste it.</summary>
public sealed class ReadmeTests
{
    private const string Fence = "```csharp\n";

    [Fact]
    public void The_first_skill_of_the_README_is_ten_lines_or_little_more() =>
        Assert.InRange(Skill().Split('\n').Count(static line => line.Length > 0), 5, 15);

    [Fact]
    public async Task The_first_skill_of_the_README_compiles_registers_and_runs()
    {
        // Compiles without a word, by Sources' own assertion; then the same once more, to run it.
        Assert.NotEmpty(Generation.Sources(Compilation()));
        using var services = new ServiceCollection().AddSkillsOf(Load()).BuildServiceProvider();
        var greet = Assert.Single(services.GetServices<SkillDescriptor>());
        Assert.Equal(("greet", "1.0.0", "Greets somebody."), (greet.Name, greet.Version, greet.Description));
        Assert.Contains("\"name\"", greet.ParametersSchema, StringComparison.Ordinal);
        Assert.Contains("\"text\"", greet.OutcomeSchema, StringComparison.Ordinal);

        using var parameters = JsonDocument.Parse("""{"name":"Ada"}""");
        var outcome = await greet.Bind(parameters.RootElement, "params").ExecuteAsync(services, Context(), TestContext.Current.CancellationToken);
        Assert.Null(outcome.Failure);
        Assert.Equal("""{"text":"Hello, Ada!"}""", outcome.Outcome?.ToString());
    }

    private static string Skill()
    {
        var readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md")).ReplaceLineEndings("\n");
        var start = readme.IndexOf(Fence, StringComparison.Ordinal);
        Assert.True(start >= 0, "README.md has no C# block");
        start += Fence.Length;
        return readme[start..readme.IndexOf("```", start, StringComparison.Ordinal)];
    }

    // With the usings that ImplicitUsings gives every project of the SDK.
    private static CSharpCompilation Compilation() => Generation.Compile(
        ("GreetSkill.cs", Skill()), ("Implicit.cs", "global using System.Threading;\nglobal using System.Threading.Tasks;\n"));

    private static Assembly Load()
    {
        Generation.Driver().RunGeneratorsAndUpdateCompilation(Compilation(), out var output, out _, TestContext.Current.CancellationToken);
        using var image = new MemoryStream();
        var emitted = output.Emit(image, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(emitted.Success, string.Join('\n', emitted.Diagnostics));
        image.Position = 0;
        return new AssemblyLoadContext("README", isCollectible: true).LoadFromStream(image);
    }

    private static SkillContext Context() => new()
    {
        TenantId = TenantId.Parse("t"),
        RunId = RunId.Parse("r"),
        StepIndex = 0,
        Attempt = 0,
        IdempotencyKey = "r:0",
        Clock = TimeProvider.System,
    };
}

file static class GeneratedRegistration
{
    /// <summary>Calls the assembly's own <c>AddGeneratedSkills</c>.</summary>
    public static IServiceCollection AddSkillsOf(this IServiceCollection services, Assembly assembly) =>
        (IServiceCollection)assembly.GetTypes().Single(static type => type.Name == "GeneratedSkills").GetMethod("AddGeneratedSkills")!.Invoke(null, [services])!;
}
