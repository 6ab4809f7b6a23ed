using System.Collections.Generic;
using System.Linq;

namespace RunProof.Generators;

/// <summary>A member of a record, as the lock keeps it.</summary>
/// <param name="Wire">Its wire name.</param>
/// <param name="Property">Its name in C#: tells a member that was renamed on the wire from one that came and one that went.</param>
/// <param name="Type">Its type.</param>
internal sealed record LockMember(string Wire, string Property, LockType Type);

/// <summary>A record of one version, as the lock keeps it.</summary>
/// <param name="Name">The schema's name.</param>
/// <param name="Version">The schema's version.</param>
/// <param name="Fingerprint">What the lock says that its fingerprint is, hex.</param>
/// <param name="Members">Its members in ordinal order of their wire names.</param>
internal sealed record LockRecord(string Name, string Version, string Fingerprint, EquatableArray<LockMember> Members)
{
    /// <summary>Name and version: what no two entries share.</summary>
    public string Label => Name + "/" + Version;

    /// <summary>Section 6's schema of the members: canonical JSON.</summary>
    public string Schema =>
        "{\"members\":{" + string.Join(",", Members.Select(static member => JsonText.Quote(member.Wire) + ":" + JsonText.Quote(member.Type.SchemaSpelling)))
        + "},\"name\":" + JsonText.Quote(Name) + ",\"version\":" + JsonText.Quote(Version) + "}";

    /// <summary>A record whose fingerprint is that of its members, which are put into order.</summary>
    public static LockRecord Of(string name, string version, IEnumerable<LockMember> members)
    {
        var bare = new LockRecord(name, version, "", members.OrderBy(static member => member.Wire, System.StringComparer.Ordinal).ToEquatable());
        return bare with { Fingerprint = LockHash.Of(bare.Schema) };
    }

    /// <summary>Whether the bytes of both are the same and read by the same rules; names in C# may differ.</summary>
    public bool HasShapeOf(LockRecord other) =>
        Members.Count == other.Members.Count && Members.Zip(other.Members, static (mine, its) => mine.Wire == its.Wire && mine.Type == its.Type).All(static same => same);
}

/// <summary>A skill of one version, as the lock keeps it.</summary>
/// <param name="Name">Its name in plans and evidence.</param>
/// <param name="Version">Its version.</param>
/// <param name="Parameters">Fingerprint of its parameters' record, hex.</param>
/// <param name="Outcome">Fingerprint of its outcome's record, hex.</param>
/// <param name="Schema">What a step's <c>schema</c> says, hex.</param>
internal sealed record LockSkill(string Name, string Version, string Parameters, string Outcome, string Schema)
{
    /// <summary>Name and version: what no two entries share.</summary>
    public string Label => Name + "/" + Version;

    /// <summary>A skill with the schema that follows from the rest (section 6).</summary>
    public static LockSkill Of(string name, string version, string parameters, string outcome) => new(
        name, version, parameters, outcome,
        LockHash.Of("runproof/v1/skill\n[" + string.Join(",", new[] { name, version, parameters, outcome }.Select(JsonText.Quote)) + "]"));
}
