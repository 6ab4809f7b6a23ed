using System.Collections.Generic;
using System.Linq;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>What the lock would be after shapes have been taken into it.</summary>
/// <param name="File">The new lock.</param>
/// <param name="Labels">The names and versions that the change is about.</param>
internal sealed record Acceptance(LockFile File, IReadOnlyList<string> Labels)
{
    /// <summary>Takes shapes in that are not in the lock. One that cannot be, because it holds what has drifted, is left out.</summary>
    /// <returns>Null where there is nothing to take.</returns>
    public static Acceptance? OfNew(LockFile file, IEnumerable<(string Label, DeclaredEntries Entries)> unlocked)
    {
        var (now, labels) = (file, new List<string>());
        foreach (var (label, entries) in unlocked)
        {
            if (LockAcceptance.Of(now, entries.Records, entries.Skills, []).File is not { } accepted)
                continue;
            now = accepted;
            labels.Add(label);
        }

        return labels.Count == 0 ? null : new Acceptance(now, labels);
    }

    /// <summary>
    /// Replaces shapes that never shipped. What holds one of them holds another shape now, and what one of them holds may have drifted as well:
    /// all of these are replaced together.
    /// </summary>
    /// <returns>Null where one of them is only in the lock and no more in the code: that has shipped.</returns>
    public static Acceptance? OfDrifted(LockFile file, DeclaredEntries declared, IEnumerable<string> labels)
    {
        var (all, next) = (new List<string>(), new Queue<string>(labels.Where(label => file.Record(label) is not null || file.Skill(label) is not null)));
        while (next.Count > 0)
        {
            var label = next.Dequeue();
            if (all.Contains(label))
                continue;
            // A record and a skill may share name and version, and leave the lock together.
            if ((file.Record(label) is not null && declared.Record(label) is null) || (file.Skill(label) is not null && declared.Skill(label) is null))
                return null;
            all.Add(label);
            foreach (var tied in Holders(file, label).Concat(Drifted(file, declared, label)))
                next.Enqueue(tied);
        }

        var records = all.SelectMany(label => Within(declared, label)).Distinct().ToList();
        var skills = all.Select(declared.Skill).OfType<LockSkill>().ToList();
        return all.Count > 0 && LockAcceptance.Of(file, records, skills, all).File is { } accepted ? new Acceptance(accepted, all) : null;
    }

    /// <summary>What holds, takes or returns a record in the shape that would leave the lock.</summary>
    private static IEnumerable<string> Holders(LockFile file, string label)
    {
        if (file.Record(label) is not { } shipped)
            return [];
        return file.Records.Where(record => record.Members.Any(member => member.Type.Reference?.Label == label)).Select(static record => record.Label)
            .Concat(file.Skills.Where(skill => skill.Parameters == shipped.Fingerprint || skill.Outcome == shipped.Fingerprint).Select(static skill => skill.Label));
    }

    /// <summary>What a record or skill has in it now, in another shape than the lock's.</summary>
    private static IEnumerable<string> Drifted(LockFile file, DeclaredEntries declared, string label) =>
        Within(declared, label).Where(record => file.Record(record.Label) is { } shipped && !shipped.HasShapeOf(record)).Select(static record => record.Label);

    private static IEnumerable<LockRecord> Within(DeclaredEntries declared, string label) =>
        (declared.Record(label) is { } record ? declared.Within(record) : []).Concat(declared.Skill(label) is { } skill ? declared.Within(skill) : []);
}
