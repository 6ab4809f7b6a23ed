namespace RunProof.Execution;

/// <summary>The steps whose outcome a step refers to.</summary>
internal static class StepReferences
{
    /// <summary>Their ids, each once.</summary>
    public static IReadOnlyCollection<string> Of(PlannedStep step)
    {
        if (!step.HasReferences)
            return [];
        var ids = new HashSet<string>(StringComparer.Ordinal);
        using var document = step.Parameters.ToDocument();
        foreach (var (_, text) in ObjectReader.Strings(document.RootElement, ""))
        {
            if (Template.MayRefer(text) && Template.Parse(text, out _) is { } template)
                ids.UnionWith(template.References.Select(reference => reference.Step));
        }

        return ids;
    }
}
