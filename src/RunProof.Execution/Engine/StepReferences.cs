using RunProof.Format;

namespace RunProof.Execution;

/// <summary>The steps whose outcome a step refers to.</summary>
internal static class StepReferences
{
    /// <summary>Ids of all whose outcome it may need: for its parameters, its condition, its fallback; each once.</summary>
    public static IReadOnlyCollection<string> Of(PlannedStep step)
    {
        if (!step.HasReferences && step.Condition is null && step.Fallback is not { HasReferences: true })
            return [];
        var ids = new HashSet<string>(OfParameters(step), StringComparer.Ordinal);
        if (step.Condition is { } condition)
            ids.UnionWith(condition.Root.References().Select(one => one.Reference.Step));
        if (step.Fallback is { HasReferences: true } fallback)
            Add(fallback.Skill, fallback.Parameters, ids);
        return ids;
    }

    /// <summary>Ids of those that its own parameters refer to, each once.</summary>
    public static IReadOnlyCollection<string> OfParameters(PlannedStep step)
    {
        if (!step.HasReferences)
            return [];
        var ids = new HashSet<string>(StringComparer.Ordinal);
        Add(step.Skill, step.Parameters, ids);
        return ids;
    }

    private static void Add(string skill, CanonicalJson parameters, HashSet<string> ids)
    {
        using var document = SubPlans.Shielded(skill, parameters).ToDocument();
        foreach (var (_, text) in ObjectReader.Strings(document.RootElement, ""))
        {
            if (Template.MayRefer(text) && Template.Parse(text, out _) is { } template)
                ids.UnionWith(template.References.Select(reference => reference.Step));
        }
    }
}
