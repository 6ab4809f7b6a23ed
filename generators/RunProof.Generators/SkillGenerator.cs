using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace RunProof.Generators;

/// <summary>Writes a descriptor for everything with <c>[Skill]</c>, and the assembly's <c>AddGeneratedSkills</c>.</summary>
[Generator(LanguageNames.CSharp)]
public sealed class SkillGenerator : IIncrementalGenerator
{
    /// <summary>The step whose output is all skills; one with a fault, which <see cref="SkillAnalyzer"/> tells, is not among them.</summary>
    public const string ParseStep = "RunProof.Skills.Parse";

    /// <summary>The step whose outputs are models: where these are cached, no source is printed again.</summary>
    public const string ModelStep = "RunProof.Skills.Model";

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        var reading = new Reading<SkillModel>(Parse);
        var skills = context.CompilationProvider.Select(reading.Of).WithTrackingName(ParseStep);
        var space = AssemblyInput.Of(context).Select(static (assembly, _) => assembly.Space);
        var recorded = LockOutputs.OfSkills(context, skills);

        var each = skills.SelectMany(static (all, _) => all).WithTrackingName(ModelStep);
        context.RegisterSourceOutput(each.Combine(space), static (output, pair) =>
            output.AddSource(SkillEmitter.HintName(pair.Left), SourceText.From(SkillEmitter.Descriptor(pair.Left, pair.Right), Encoding.UTF8)));
        // An assembly whose skills are all of the past still registers what it can read of theirs.
        context.RegisterSourceOutput(skills.Combine(recorded.Select(static (all, _) => all.HasAny)).Combine(space), static (output, input) =>
        {
            if (input.Left.Right)
                output.AddSource("GeneratedSkills.g.cs", SourceText.From(SkillEmitter.Registration(input.Left.Left, input.Right), Encoding.UTF8));
        });
    }

    /// <summary>In an order that no file name decides. Of two skills with one name, which is an error, one is written, so that it stays one error.</summary>
    private static IEnumerable<SkillModel> Parse(CompilationFacts facts, Compilation compilation, CancellationToken cancel) => facts.Roots(compilation, cancel)
        .Select(symbol => symbol.Attribute(Symbols.Skill) is { } attribute ? SkillParser.Parse(symbol, attribute, compilation, new Diagnosing(), cancel, facts.Shapes) : null)
        .OfType<SkillModel>()
        .OrderBy(static skill => skill.Name, StringComparer.Ordinal)
        .ThenBy(static skill => skill.DeclaredAt, StringComparer.Ordinal)
        .GroupBy(static skill => skill.Name, StringComparer.Ordinal)
        .Select(static same => same.First());
}
