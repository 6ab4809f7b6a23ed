using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace RunProof.Generators;

/// <summary>One declaration beside its entry. What is wrong with the declaration itself is told elsewhere, and then there is nothing to compare.</summary>
internal static class LockComparer
{
    public static void OfRecord(SymbolAnalysisContext context, LockFile locked)
    {
        var type = (INamedTypeSymbol)context.Symbol;
        if (type.TypeKind is not (TypeKind.Class or TypeKind.Struct) || type.Attribute(Symbols.Canonical) is null
            || CanonicalParser.Parse(type, context.Compilation, new Diagnosing(), context.CancellationToken) is not { } model)
            return;
        var shapes = DeclaredShape.Within(model.Shape).Select(static shape => shape.Entry).Distinct().ToList();
        var fix = Fix(shapes[0].Label, NextVersion(locked.Records.Where(record => record.Name == shapes[0].Name).Select(static record => record.Version)), shapes.Select(LockPrinter.Entry));
        if (locked.Record(shapes[0].Label) is null)
            context.ReportDiagnostic(Diagnostic.Create(Rules.NotLocked, type.Place(Symbols.Canonical), fix, "record", shapes[0].Label));
        var members = RecordParser.Properties(type).ToList();
        foreach (var drift in LockDrift.Of(locked, shapes[0], type.Name))
        {
            var place = RecordParser.Place(type, members.FirstOrDefault(member => member.Name == drift.Property && drift.Rule != Rules.MemberRemoved));
            context.ReportDiagnostic(Diagnostic.Create(drift.Rule, place, fix.Add(FixProperties.Member, drift.Property), drift.Arguments));
        }
    }

    public static void OfSkill(SymbolAnalysisContext context, LockFile locked)
    {
        if (context.Symbol is INamedTypeSymbol { TypeKind: not TypeKind.Class } || context.Symbol.Attribute(Symbols.Skill) is not { } attribute
            || SkillParser.Parse(context.Symbol, attribute, context.Compilation, new Diagnosing(), context.CancellationToken) is not { } skill)
            return;
        var entries = skill.Shapes.Select(static shape => LockPrinter.Entry(shape.Entry)).Prepend(LockPrinter.Entry(skill.Recorded)).Distinct();
        var fix = Fix(skill.Recorded.Label, NextVersion(locked.Skills.Where(other => other.Name == skill.Name).Select(static other => other.Version)), entries);
        if (locked.Skill(skill.Recorded.Label) is null)
            context.ReportDiagnostic(Diagnostic.Create(Rules.NotLocked, context.Symbol.Place(Symbols.Skill), fix, "skill", skill.Recorded.Label));
        foreach (var drift in LockDrift.Of(locked, skill.Recorded, skill.Labels))
            context.ReportDiagnostic(Diagnostic.Create(drift.Rule, context.Symbol.Place(Symbols.Skill), fix, drift.Arguments));
    }

    private static ImmutableDictionary<string, string?> Fix(string label, string nextVersion, IEnumerable<string> entries) =>
        FixProperties.Of((FixProperties.Label, label), (FixProperties.NextVersion, nextVersion), (FixProperties.Entries, string.Join("\n", entries)));

    /// <summary>The last shipped version with its last number raised: <c>2</c> after <c>1</c>, <c>1.0.1</c> after <c>1.0.0</c>.</summary>
    private static string NextVersion(IEnumerable<string> shipped)
    {
        var all = shipped.OrderBy(static version => version, LockVersions.Order).ToList();
        if (all.Count == 0)
            return "1";
        var last = all[all.Count - 1];
        var candidate = Raised(last);
        while (all.Contains(candidate))
            candidate = Raised(candidate);
        return candidate;
    }

    private static string Raised(string version)
    {
        var digits = version.Reverse().TakeWhile(static c => c is >= '0' and <= '9').Count();
        var (head, tail) = (version.Substring(0, version.Length - digits), version.Substring(version.Length - digits));
        if (!ulong.TryParse(tail, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number) || number == ulong.MaxValue)
            return version + ".1";
        return head + (number + 1).ToString(System.Globalization.CultureInfo.InvariantCulture);
    }
}
