using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>A shape that is not what shipped under its name and version.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Property">The member's property; empty where it is a skill.</param>
/// <param name="Arguments">What the rule's message names.</param>
internal sealed record Drift(DiagnosticDescriptor Rule, string Property, string[] Arguments)
{
    /// <summary>For where no analyzer runs: an error that the compiler itself tells.</summary>
    public string Directive => Rule.Id + ": " + string.Format(System.Globalization.CultureInfo.InvariantCulture, Rule.MessageFormat.ToString(System.Globalization.CultureInfo.InvariantCulture), Arguments);
}

/// <summary>The lock beside the code.</summary>
internal static class LockDrift
{
    /// <summary>Of a record, one for each member that is another.</summary>
    /// <param name="file">The lock.</param>
    /// <param name="now">The record as it is.</param>
    /// <param name="type">Its name in C#, for people.</param>
    public static IEnumerable<Drift> Of(LockFile file, LockRecord now, string type) => file.Record(now.Label) is { } shipped
        ? LockComparison.Changes(shipped, now).Select(change => new Drift(Rule(change.Kind), change.Property, [type + "." + change.Property, now.Label, change.Words]))
        : [];

    /// <summary>Of a skill, one where it takes or returns another record.</summary>
    /// <param name="file">The lock.</param>
    /// <param name="now">The skill as it is.</param>
    /// <param name="label">Name and version of the record with a fingerprint, as the code has it.</param>
    public static IEnumerable<Drift> Of(LockFile file, LockSkill now, Func<string, string?> label)
    {
        if (file.Skill(now.Label) is not { } shipped || shipped == now)
            return [];
        var words = new[] { ("its parameters", shipped.Parameters, now.Parameters), ("its outcome", shipped.Outcome, now.Outcome) }
            .Where(static part => part.Item2 != part.Item3)
            .Select(part => Words(part.Item1, file.ByFingerprint(part.Item2)!.Label, label(part.Item3), part.Item2, part.Item3));
        return [new Drift(Rules.SkillDrifted, "", [now.Label, string.Join(", and ", words)])];
    }

    private static string Words(string what, string was, string? now, string before, string after) => was == now
        ? $"the record of {what}, {was}, has changed (its fingerprint was {before.Substring(0, 8)} and is {after.Substring(0, 8)})"
        : $"{what} {(what == "its outcome" ? "was" : "were")} record {was} and {(what == "its outcome" ? "is" : "are")} record {now}";

    private static DiagnosticDescriptor Rule(LockChangeKind kind) => kind switch
    {
        LockChangeKind.Added => Rules.MemberAdded,
        LockChangeKind.Removed => Rules.MemberRemoved,
        LockChangeKind.Renamed => Rules.MemberRenamed,
        LockChangeKind.Type => Rules.MemberRetyped,
        _ => Rules.MemberNullability,
    };
}
