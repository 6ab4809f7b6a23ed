using System;
using System.Collections.Generic;
using System.Linq;

namespace RunProof.Generators;

/// <summary>What came of taking shapes into a lock.</summary>
/// <param name="File">The new lock; null where something speaks against it.</param>
/// <param name="Problems">What does, one sentence each.</param>
internal sealed record LockAcceptance(LockFile? File, EquatableArray<string> Problems)
{
    /// <summary>
    /// Takes the shapes of a build into its lock. What is not in it is added; what has shipped in another shape is refused, unless its name and
    /// version never shipped, and then replaced. A name and version that never shipped and that the build no longer has leaves the lock.
    /// </summary>
    /// <param name="file">The lock so far.</param>
    /// <param name="records">Records of the build; those that they hold must be among them or in the lock.</param>
    /// <param name="skills">Skills of the build.</param>
    /// <param name="neverShipped">Labels, <c>order/1</c>.</param>
    public static LockAcceptance Of(LockFile file, IReadOnlyCollection<LockRecord> records, IReadOnlyCollection<LockSkill> skills, IReadOnlyCollection<string> neverShipped)
    {
        var (kept, problems) = (file.Records.ToDictionary(static record => record.Label, StringComparer.Ordinal), new List<string>());
        var keptSkills = file.Skills.ToDictionary(static skill => skill.Label, StringComparer.Ordinal);
        foreach (var label in neverShipped)
        {
            // Both, and not the first that is found: a record and a skill may share name and version.
            if (!(kept.Remove(label) | keptSkills.Remove(label)))
                problems.Add($"{label} is not in the lock, so there is nothing to take back");
        }

        foreach (var record in records)
        {
            if (kept.TryGetValue(record.Label, out var shipped) && !shipped.HasShapeOf(record))
                problems.Add($"record {record.Label} has another shape than the lock's: {string.Join("; ", LockComparison.Changes(shipped, record).Select(static change => change.Property + ": " + change.Words))}. {TwoWays(record.Label)}");
            kept[record.Label] = record;
        }

        foreach (var skill in skills)
        {
            if (keptSkills.TryGetValue(skill.Label, out var shipped) && shipped != skill)
                problems.Add($"skill {skill.Label} takes or returns another record than in the lock. {TwoWays(skill.Label)}");
            keptSkills[skill.Label] = skill;
        }

        if (problems.Count == 0)
            problems.AddRange(Dangling(kept, keptSkills));
        return new LockAcceptance(problems.Count > 0 ? null : LockFile.Of(kept.Values, keptSkills.Values), problems.ToEquatable());
    }

    /// <summary>The two ways on from a shape that has changed, a sentence.</summary>
    public static string TwoWays(string label) => $"Give it another Version, or, where {label} never shipped, accept it: runproof canonical lock --never-shipped {label}";

    private static IEnumerable<string> Dangling(Dictionary<string, LockRecord> records, Dictionary<string, LockSkill> skills)
    {
        foreach (var record in records.Values)
        {
            foreach (var held in record.Members.Select(static member => member.Type.Reference).Where(held => held is not null && !IsKnown(held)))
                yield return $"record {record.Label} is in the lock and holds record {held!.Label} in a shape that would leave it: where {record.Label} has shipped, so has that shape";
        }

        foreach (var skill in skills.Values.Where(skill => !IsHeld(skill.Parameters) || !IsHeld(skill.Outcome)))
            yield return $"skill {skill.Label} is in the lock and takes or returns a record in a shape that would leave it: where {skill.Label} has shipped, so has that shape";

        bool IsKnown(LockReference held) => records.TryGetValue(held.Label, out var record) && record.Fingerprint == held.Fingerprint;
        bool IsHeld(string fingerprint) => records.Values.Any(record => record.Fingerprint == fingerprint);
    }
}
