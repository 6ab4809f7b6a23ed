using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace RunProof.Generators;

/// <summary>Writes a descriptor for everything with <c>[Skill]</c>, and the assembly's <c>AddGeneratedSkills</c>.</summary>
[Generator(LanguageNames.CSharp)]
public sealed class SkillGenerator : IIncrementalGenerator
{
    /// <summary>The step whose outputs are skills, good and bad.</summary>
    public const string ParseStep = "RunProof.Skills.Parse";

    /// <summary>The step whose outputs are models: where these are cached, no source is printed again.</summary>
    public const string ModelStep = "RunProof.Skills.Model";

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        var parsed = context.SyntaxProvider
            .ForAttributeWithMetadataName(Symbols.Skill, static (node, _) => node is ClassDeclarationSyntax or RecordDeclarationSyntax or MethodDeclarationSyntax, SkillParser.Parse)
            .WithTrackingName(ParseStep);
        var skills = parsed
            .Where(static skill => skill.Skill.Model is not null)
            .Select(static (skill, _) => skill.Skill.Model!)
            .Collect()
            .Select(static (all, _) => Unique(all).ToEquatable());
        var space = context.AnalyzerConfigOptionsProvider.Combine(context.CompilationProvider.Select(static (compilation, _) => compilation.AssemblyName))
            .Select(static (pair, _) => Namespace(pair.Left.GlobalOptions.TryGetValue("build_property.RootNamespace", out var root) ? root : null, pair.Right));

        var each = skills.SelectMany(static (all, _) => all).WithTrackingName(ModelStep);
        context.RegisterSourceOutput(each.Combine(space), static (output, pair) =>
            output.AddSource(SkillEmitter.HintName(pair.Left), SourceText.From(SkillEmitter.Descriptor(pair.Left, pair.Right), Encoding.UTF8)));
        context.RegisterSourceOutput(skills.Combine(space), static (output, pair) =>
        {
            if (pair.Left.Count > 0)
                output.AddSource("GeneratedSkills.g.cs", SourceText.From(SkillEmitter.Registration(pair.Left, pair.Right), Encoding.UTF8));
        });
        context.RegisterSourceOutput(
            parsed.SelectMany(static (skill, _) => skill.Skill.Diagnostics),
            static (output, diagnostic) => output.ReportDiagnostic(diagnostic.ToDiagnostic()));
        context.RegisterSourceOutput(
            parsed.Select(static (skill, _) => skill.Place).Collect().SelectMany(static (places, _) => Duplicates(places)),
            static (output, diagnostic) => output.ReportDiagnostic(diagnostic.ToDiagnostic()));
    }

    /// <summary>In an order that no file name decides. Of two skills with one name, which is an error, one is written, so that it stays one error.</summary>
    private static IEnumerable<SkillModel> Unique(ImmutableArray<SkillModel> skills) => skills
        .OrderBy(static skill => skill.Name, StringComparer.Ordinal)
        .ThenBy(static skill => skill.DeclaredAt, StringComparer.Ordinal)
        .GroupBy(static skill => skill.Name, StringComparer.Ordinal)
        .Select(static same => same.First());

    private static IEnumerable<DiagnosticModel> Duplicates(ImmutableArray<SkillPlace?> places)
    {
        foreach (var same in places.OfType<SkillPlace>().GroupBy(static place => place.Name, StringComparer.Ordinal).Where(static same => same.Count() > 1))
        {
            var inOrder = same.OrderBy(static place => place.Place.File, StringComparer.Ordinal).ThenBy(static place => place.Place.Start).ToList();
            foreach (var other in inOrder.Skip(1))
                yield return new DiagnosticModel(Rules.DuplicateSkill.Id, other.Place, new[] { other.Name, inOrder[0].DeclaredAt }.ToEquatable());
        }
    }

    private static string Namespace(string? root, string? assembly)
    {
        var name = string.IsNullOrWhiteSpace(root) ? assembly : root;
        return string.IsNullOrWhiteSpace(name) ? "Skills" : string.Join(".", name!.Split('.').Select(static part => Symbols.Escaped(Literal.Identifier(part))));
    }
}
