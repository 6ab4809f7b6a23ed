using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>What a project's code would have in the lock, as it is now: what is at fault is not in it.</summary>
internal sealed class DeclaredEntries
{
    private readonly Dictionary<string, LockRecord> _records = new(StringComparer.Ordinal);
    private readonly Dictionary<string, LockSkill> _skills = new(StringComparer.Ordinal);

    public IReadOnlyCollection<LockRecord> Records => _records.Values;

    public IReadOnlyCollection<LockSkill> Skills => _skills.Values;

    public static DeclaredEntries Of(Compilation compilation, CancellationToken cancel)
    {
        var entries = new DeclaredEntries();
        // The project's own first: of two with one name and version, which is an error, one is taken.
        var types = Declarations.Types(compilation.Assembly.GlobalNamespace).ToList();
        foreach (var type in types.Where(static type => type.TypeKind is TypeKind.Class or TypeKind.Struct && type.Attribute(Symbols.Canonical) is not null))
        {
            if (CanonicalParser.Parse(type, compilation, new Diagnosing(), cancel) is { } model)
                entries.Add(DeclaredShape.Within(model.Shape));
        }

        foreach (var skill in types.SelectMany(static type => type.GetMembers().OfType<IMethodSymbol>().Prepend<ISymbol>(type)))
            entries.AddSkill(skill, compilation, cancel);
        return entries;
    }

    /// <summary>Entries that a diagnostic carries, one to a line.</summary>
    public static DeclaredEntries Read(string? lines)
    {
        var entries = new DeclaredEntries();
        foreach (var (record, skill) in (lines ?? "").Split('\n').Select(LockParser.ReadEntry))
        {
            if (record is not null)
                entries._records[record.Label] = record;
            if (skill is not null)
                entries._skills[skill.Label] = skill;
        }

        return entries;
    }

    public LockRecord? Record(string label) => _records.TryGetValue(label, out var record) ? record : null;

    public LockSkill? Skill(string label) => _skills.TryGetValue(label, out var skill) ? skill : null;

    /// <summary>A record and all that it holds. What only shares a name and version with that is another: by names alone this might not end.</summary>
    public IEnumerable<LockRecord> Within(LockRecord record) =>
        record.Members.Select(static member => member.Type.Reference).OfType<LockReference>().Select(Held).OfType<LockRecord>().SelectMany(Within).Prepend(record);

    /// <summary>The records that a skill takes and returns, and all that they hold.</summary>
    public IEnumerable<LockRecord> Within(LockSkill skill) =>
        _records.Values.Where(record => record.Fingerprint == skill.Parameters || record.Fingerprint == skill.Outcome).SelectMany(Within);

    private LockRecord? Held(LockReference reference) => Record(reference.Label) is { } record && record.Fingerprint == reference.Fingerprint ? record : null;

    private void AddSkill(ISymbol symbol, Compilation compilation, CancellationToken cancel)
    {
        if (symbol is INamedTypeSymbol { TypeKind: not TypeKind.Class } || symbol.Attribute(Symbols.Skill) is not { } attribute
            || SkillParser.Parse(symbol, attribute, compilation, new Diagnosing(), cancel) is not { } skill)
            return;
        Add(skill.Shapes);
        if (!_skills.ContainsKey(skill.Recorded.Label))
            _skills.Add(skill.Recorded.Label, skill.Recorded);
    }

    private void Add(IEnumerable<DeclaredShape> shapes)
    {
        foreach (var shape in shapes.Where(shape => !_records.ContainsKey(shape.Entry.Label)))
            _records.Add(shape.Entry.Label, shape.Entry);
    }
}
