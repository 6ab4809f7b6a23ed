using System.Collections.Generic;
using System.Linq;

namespace RunProof.Generators;

/// <summary>The skills whose steps an assembly knows.</summary>
/// <param name="Present">Those that it declares.</param>
/// <param name="Past">Those that its lock keeps beyond them.</param>
/// <param name="Held">Records of other assemblies that they take or return, and what those hold.</param>
/// <param name="Errors">Where no analyzer would tell it: skills that are not what shipped.</param>
internal sealed record RecordedSkills(EquatableArray<LockSkill> Present, EquatableArray<LockSkill> Past, EquatableArray<DeclaredShape> Held, EquatableArray<string> Errors)
{
    /// <summary>Whether there is anything to register.</summary>
    public bool HasAny => Present.Count + Past.Count > 0;

    public static RecordedSkills Of(IReadOnlyCollection<SkillModel> models, LockInput locked, AssemblyInput assembly)
    {
        var present = LockFile.Of([], models.Select(static model => model.Recorded)).Skills;
        var held = DeclaredShape.Once(models.SelectMany(static model => model.Shapes).Where(static shape => shape.IsForeign)).ToEquatable();
        var labels = new HashSet<string>(present.Select(static skill => skill.Label));
        var past = assembly.HasSkills && locked.File is { } file ? file.Skills.Where(skill => !labels.Contains(skill.Label)).ToEquatable() : default;
        return new RecordedSkills(present, past, held, Drift(models, locked));
    }

    private static EquatableArray<string> Drift(IReadOnlyCollection<SkillModel> models, LockInput locked) =>
        !locked.IsToldByGenerator || locked.Mode != LockMode.Check || locked.File is not { } file
            ? default
            : models.SelectMany(model => LockDrift.Of(file, model.Recorded, model.Labels)).Select(static drift => drift.Directive).ToEquatable();
}
