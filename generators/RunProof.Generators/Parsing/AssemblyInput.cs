using System.Linq;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>What the generators need to know of the assembly itself.</summary>
/// <param name="Space">Its root namespace, as C# code.</param>
/// <param name="HasSkills">Whether it refers to RunProof.Skills.</param>
internal sealed record AssemblyInput(string Space, bool HasSkills)
{
    public static IncrementalValueProvider<AssemblyInput> Of(IncrementalGeneratorInitializationContext context)
    {
        var root = context.AnalyzerConfigOptionsProvider.Select(static (options, _) => options.GlobalOptions.TryGetValue("build_property.RootNamespace", out var root) ? root : null);
        var facts = context.CompilationProvider.Select(static (compilation, _) => (compilation.AssemblyName, HasSkills: !compilation.GetTypesByMetadataName(Symbols.Skill).IsEmpty));
        return root.Combine(facts).Select(static (pair, _) => new AssemblyInput(Namespace(pair.Left, pair.Right.AssemblyName), pair.Right.HasSkills));
    }

    private static string Namespace(string? root, string? assembly)
    {
        var name = string.IsNullOrWhiteSpace(root) ? assembly : root;
        return string.IsNullOrWhiteSpace(name) ? "Skills" : string.Join(".", name!.Split('.').Select(static part => Symbols.Escaped(Literal.Identifier(part))));
    }
}
