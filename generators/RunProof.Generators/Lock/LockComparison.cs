using System;
using System.Collections.Generic;
using System.Linq;

namespace RunProof.Generators;

/// <summary>A record that has shipped beside the same record as it is now: one change for each member that is another.</summary>
internal static class LockComparison
{
    public static IReadOnlyList<LockChange> Changes(LockRecord shipped, LockRecord now)
    {
        var old = shipped.Members.ToDictionary(static member => member.Wire, StringComparer.Ordinal);
        var present = now.Members.ToDictionary(static member => member.Wire, StringComparer.Ordinal);
        // The same property under another wire name is one change, not two.
        var gone = shipped.Members.Where(member => !present.ContainsKey(member.Wire)).ToDictionary(static member => member.Property, StringComparer.Ordinal);
        var changes = new List<LockChange>();
        foreach (var member in now.Members)
        {
            if (old.TryGetValue(member.Wire, out var before))
                changes.AddRange(Retyped(before.Type, member, now));
            else if (gone.TryGetValue(member.Property, out var renamed))
                changes.Add(Renamed(renamed, member, gone));
            else
                changes.Add(new LockChange(LockChangeKind.Added, member.Property, $"it is new, as \"{member.Wire}\" of type {member.Type.Shown}"));
        }

        changes.AddRange(gone.Values.OrderBy(static member => member.Wire, StringComparer.Ordinal).Select(static member =>
            new LockChange(LockChangeKind.Removed, member.Property, $"\"{member.Wire}\" of type {member.Type.Shown} is gone")));
        return changes;
    }

    private static LockChange Renamed(LockMember before, LockMember member, Dictionary<string, LockMember> gone)
    {
        gone.Remove(before.Property);
        var type = before.Type == member.Type ? "" : $", and its type was {before.Type.Shown} and is {member.Type.Shown}";
        return new LockChange(LockChangeKind.Renamed, member.Property, $"it was \"{before.Wire}\" on the wire and is \"{member.Wire}\"{type}");
    }

    private static IEnumerable<LockChange> Retyped(LockType was, LockMember member, LockRecord now)
    {
        if (was == member.Type)
            yield break;
        var kind = was.WithoutNulls == member.Type.WithoutNulls ? LockChangeKind.Nullability : LockChangeKind.Type;
        yield return new LockChange(kind, member.Property, kind == LockChangeKind.Nullability ? Nullability(was, member.Type) : Type(was, member.Type, now));
    }

    private static string Nullability(LockType was, LockType type)
    {
        if (was with { IsNullable = false } != type with { IsNullable = false })
            return $"whether what it holds may be null has changed: its type was {was.Shown} and is {type.Shown}";
        return type.IsNullable ? $"it may be null now and never was: its type was {was.Shown} and is {type.Shown}" : $"it was null at times and cannot be any more: its type was {was.Shown} and is {type.Shown}";
    }

    private static string Type(LockType was, LockType type, LockRecord now)
    {
        var (before, after) = (Innermost(was), Innermost(type));
        if (IsSameAround(was, type))
        {
            if (before.Kind == LockKind.Enum)
                return "the words of its enum have changed: " + Words(before.Words, after.Words);
            if (before.Record!.Label == after.Record!.Label)
                return $"its record {after.Record.Label} has changed, and with it every record that holds it: {now.Name} needs a new version too (the record's fingerprint was {Short(before)} and is {Short(after)})";
        }

        return $"its type was {was.Shown} and is {type.Shown}";
    }

    /// <summary>Whether lists, maps and question marks are the same around two enums or two records.</summary>
    private static bool IsSameAround(LockType was, LockType type) => was.Kind == type.Kind && was.IsNullable == type.IsNullable && was.Kind switch
    {
        LockKind.Leaf => false,
        LockKind.Enum or LockKind.Record => true,
        _ => IsSameAround(was.Element!, type.Element!),
    };

    private static LockType Innermost(LockType type) => type.Element is null ? type : Innermost(type.Element);

    private static string Words(IReadOnlyCollection<string> was, IReadOnlyCollection<string> now)
    {
        var (gone, come) = (was.Except(now, StringComparer.Ordinal).ToList(), now.Except(was, StringComparer.Ordinal).ToList());
        if (gone.Count == 1 && come.Count == 1)
            return $"\"{gone[0]}\" is \"{come[0]}\" now";
        var parts = new[] { (come, "new"), (gone, "gone") }.Where(static part => part.Item1.Count > 0)
            .Select(static part => string.Join(", ", part.Item1.Select(static word => "\"" + word + "\"")) + (part.Item1.Count == 1 ? " is " : " are ") + part.Item2);
        return string.Join(" and ", parts);
    }

    private static string Short(LockType type) => type.Record!.Fingerprint.Substring(0, 8);
}
