using System;
using System.Collections.Generic;
using System.Linq;

namespace RunProof.Generators;

/// <summary>The content of <c>canonical.lock.json</c>: every shape that has shipped.</summary>
/// <param name="Records">By name, then version.</param>
/// <param name="Skills">By name, then version.</param>
internal sealed record LockFile(EquatableArray<LockRecord> Records, EquatableArray<LockSkill> Skills)
{
    /// <summary>The file's name, beside the project file.</summary>
    public const string FileName = "canonical.lock.json";

    /// <summary>What its <c>format</c> says.</summary>
    public const string Format = "runproof-canonical-lock/v1";

    public static readonly LockFile Empty = new(default, default);

    /// <summary>A lock of some entries, in its order.</summary>
    public static LockFile Of(IEnumerable<LockRecord> records, IEnumerable<LockSkill> skills) => new(
        records.OrderBy(static record => record.Name, StringComparer.Ordinal).ThenBy(static record => record.Version, LockVersions.Order).ToEquatable(),
        skills.OrderBy(static skill => skill.Name, StringComparer.Ordinal).ThenBy(static skill => skill.Version, LockVersions.Order).ToEquatable());

    public LockRecord? Record(string label) => Records.FirstOrDefault(record => record.Label == label);

    public LockRecord? ByFingerprint(string fingerprint) => Records.FirstOrDefault(record => record.Fingerprint == fingerprint);

    public LockSkill? Skill(string label) => Skills.FirstOrDefault(skill => skill.Label == label);
}

/// <summary>The order of versions: numbers by value and before all else, which is ordinal.</summary>
internal sealed class LockVersions : IComparer<string>
{
    public static readonly LockVersions Order = new();

    public int Compare(string? x, string? y)
    {
        var (left, right) = (Number(x!), Number(y!));
        if (left is null || right is null)
            return left is not null ? -1 : right is not null ? 1 : string.CompareOrdinal(x, y);
        var byValue = left.Length != right.Length ? left.Length.CompareTo(right.Length) : string.CompareOrdinal(left, right);
        return byValue != 0 ? byValue : string.CompareOrdinal(x, y);
    }

    private static string? Number(string version) => version.All(static c => c is >= '0' and <= '9') ? version.TrimStart('0') : null;
}
