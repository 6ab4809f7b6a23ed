using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace RunProof.Generators;

/// <summary>From a lock's text to the lock, or to everything that is wrong with it.</summary>
internal sealed class LockParser
{
    /// <summary>Enough to see what happened; who mangled a whole file needs no line for each entry.</summary>
    private const int MostFaults = 20;

    private readonly string _text;
    private readonly List<LockFault> _faults = [];
    private readonly List<int> _lineEnds = [];

    private LockParser(string text) => _text = text;

    public static LockReading Read(string text)
    {
        var parser = new LockParser(text);
        var file = parser.File();
        return parser._faults.Count == 0 ? new LockReading(file, default) : new LockReading(null, parser._faults.OrderBy(static fault => fault.Offset).Take(MostFaults).ToEquatable());
    }

    /// <summary>One entry, as an assembly carries it; null where the text is none.</summary>
    public static (LockRecord? Record, LockSkill? Skill) ReadEntry(string text)
    {
        if (text.Length > LockReading.MaxLength || LockJson.Read(text, out _, out _) is not { Members: { } members } node)
            return (null, null);
        var parser = new LockParser(text);
        var isRecord = members.Any(static member => member.Key.Text == "members");
        var record = isRecord ? parser.Record(node) : null;
        var skill = isRecord ? null : parser.Skill(node);
        return parser._faults.Count == 0 ? (record, skill) : (null, null);
    }

    private LockFile? File()
    {
        if (_text.Length > 0 && _text[0] == '\ufeff')
            Fault(0, 1, "it begins with a byte order mark: save it as UTF-8 without one");
        else if (LockJson.Read(_text, out var problem, out var offset) is { } root)
            return File(root);
        else
            Fault(offset, 1, problem!);
        return null;
    }

    private LockFile? File(LockNode root)
    {
        if (!IsOurs(root) || Members(root, "a lock", "format", "records", "skills") is not { } parts)
            return null;
        var records = Items(parts[1], "records").Select(node => (Node: node, Entry: Record(node))).Where(static entry => entry.Entry is not null).ToList();
        var skills = Items(parts[2], "skills").Select(node => (Node: node, Entry: Skill(node))).Where(static entry => entry.Entry is not null).ToList();
        RefuseTwice(records.Select(static entry => (entry.Node, entry.Entry!.Label)), "record");
        RefuseTwice(skills.Select(static entry => (entry.Node, entry.Entry!.Label)), "skill");
        // An entry that failed would make every reference to it a second fault of the same cause.
        if (_faults.Count > 0)
            return null;
        var known = records.ToDictionary(static entry => entry.Entry!.Label, static entry => entry.Entry!.Fingerprint, StringComparer.Ordinal);
        foreach (var (node, record) in records)
            CheckReferences(node, record!, known);
        if (_faults.Count == 0)
            CheckDepth(records.Select(static entry => (entry.Node, entry.Entry!)).ToList());
        var held = new HashSet<string>(known.Values, StringComparer.Ordinal);
        foreach (var (node, skill) in skills)
            CheckReferences(node, skill!, held);
        return LockFile.Of(records.Select(static entry => entry.Entry!), skills.Select(static entry => entry.Entry!));
    }

    private bool IsOurs(LockNode root)
    {
        var format = root.Members?.FirstOrDefault(static member => member.Key.Text == "format").Value;
        if (format?.Text == LockFile.Format)
            return true;
        if (format?.Text?.StartsWith("runproof-canonical-lock/", StringComparison.Ordinal) == true)
            Fault(format, $"its format is \"{format.Text}\", and this RunProof reads \"{LockFile.Format}\": update the RunProof packages of this project");
        else
            Fault(format ?? root, $"it is no lock: its \"format\" is to be \"{LockFile.Format}\"");
        return false;
    }

    private LockRecord? Record(LockNode node)
    {
        if (Members(node, "a record", "name", "version", "fingerprint", "members") is not { } parts)
            return null;
        var members = Items(parts[3], "members").Select(Member).ToList();
        if (!Words(parts[0], parts[1]) | !Hashes(parts[2]) || members.Contains(null) || !AreDistinct(parts[3], members))
            return null;
        var record = LockRecord.Of(parts[0].Text!, parts[1].Text!, members.Select(static member => member!));
        if (record.Fingerprint != parts[2].Text)
            ByHand(parts[2], $"the fingerprint of record {record.Label} is not that of its members, which is {record.Fingerprint}");
        return record;
    }

    private LockMember? Member(LockNode node)
    {
        if (Members(node, "a member", "wire", "property", "type") is not { } parts || !Texts(parts))
            return null;
        foreach (var part in parts.Take(2).Where(static part => part.Text!.Length == 0 || !IsWellFormed(part.Text)))
            Fault(part, "a name is not empty and holds no lone surrogate");
        if (LockTypeText.Parse(parts[2].Text!) is { } type)
            return new LockMember(parts[0].Text!, parts[1].Text!, type);
        Fault(parts[2], $"\"{parts[2].Text}\" is no type of a lock: was it written by a newer RunProof, or by hand?");
        return null;
    }

    private LockSkill? Skill(LockNode node)
    {
        if (Members(node, "a skill", "name", "version", "parameters", "outcome", "schema") is not { } parts)
            return null;
        if (!Words(parts[0], parts[1]) | !Hashes(parts[2], parts[3], parts[4]))
            return null;
        var skill = LockSkill.Of(parts[0].Text!, parts[1].Text!, parts[2].Text!, parts[3].Text!);
        if (skill.Schema != parts[4].Text)
            ByHand(parts[4], $"the schema of skill {skill.Label} is not that of its name, version and fingerprints, which is {skill.Schema}");
        return skill;
    }

    private void CheckReferences(LockNode node, LockRecord record, Dictionary<string, string> known)
    {
        foreach (var member in record.Members)
        {
            if (member.Type.Reference is { } held && (!known.TryGetValue(held.Label, out var fingerprint) || fingerprint != held.Fingerprint))
                Fault(node.Offset, 1, $"member \"{member.Wire}\" of record {record.Label} holds record {held.Label} with fingerprint {held.Fingerprint}, which is not in the lock: restore its entry");
        }
    }

    private void CheckReferences(LockNode node, LockSkill skill, HashSet<string> known)
    {
        foreach (var fingerprint in new[] { skill.Parameters, skill.Outcome }.Where(fingerprint => !known.Contains(fingerprint)))
            Fault(node, $"skill {skill.Label} takes or returns a record with fingerprint {fingerprint}, which is not in the lock: restore its entry");
    }

    /// <summary>Records in one another: code that follows them calls itself, and a stack has an end.</summary>
    private void CheckDepth(List<(LockNode Node, LockRecord Record)> records)
    {
        var done = new HashSet<string>(StringComparer.Ordinal);
        for (var depth = 0; depth < LockTypeText.MaxDepth && records.Count > 0; depth++)
        {
            var next = records.Where(entry => entry.Record.Members.All(member => member.Type.Reference is not { } held || done.Contains(held.Label))).ToList();
            done.UnionWith(next.Select(static entry => entry.Record.Label));
            records = records.Except(next).ToList();
        }

        foreach (var (node, record) in records)
            Fault(node.Offset, 1, $"record {record.Label} holds records in one another more than {LockTypeText.MaxDepth.ToString(CultureInfo.InvariantCulture)} deep");
    }

    /// <summary>The values of an object that has exactly these members, in this order of ours; null where it has not.</summary>
    private LockNode[]? Members(LockNode node, string what, params string[] names)
    {
        var found = new LockNode?[names.Length];
        var before = _faults.Count;
        foreach (var member in node.Members ?? [])
        {
            var place = Array.IndexOf(names, member.Key.Text);
            if (place < 0)
                Fault(member.Key, $"{what} has no member \"{member.Key.Text}\": was it written by a newer RunProof, or by hand?");
            else if (found[place] is not null)
                Fault(member.Key, $"\"{member.Key.Text}\" stands twice in {what}");
            else
                found[place] = member.Value;
        }

        if (_faults.Count == before && found.Contains(null))
            Fault(node.Offset, 1, $"{what} is an object with the members {string.Join(", ", names)}");
        return _faults.Count == before ? found.Select(static value => value!).ToArray() : null;
    }

    private List<LockNode> Items(LockNode node, string what)
    {
        if (node.Items is null)
            Fault(node.Offset, 1, $"\"{what}\" is an array");
        return node.Items ?? [];
    }

    private bool Texts(params LockNode[] nodes) => All(nodes, static text => text is not null, "a string is expected");

    private bool Words(params LockNode[] nodes) =>
        All(nodes, static text => text is not null && IsWord(text), "a name or version is 1 to 128 printable ASCII characters without space");

    private bool Hashes(params LockNode[] nodes) => All(nodes, static text => text is not null && LockHash.IsOne(text), "64 lower-case hex digits are expected");

    private bool All(LockNode[] nodes, Func<string?, bool> isRight, string problem)
    {
        var wrong = nodes.Where(node => !isRight(node.Text)).ToList();
        foreach (var node in wrong)
            Fault(node.Offset, Math.Max(1, node.End - node.Offset), problem);
        return wrong.Count == 0;
    }

    private bool AreDistinct(LockNode node, List<LockMember?> members)
    {
        var twice = members.GroupBy(static member => member!.Wire, StringComparer.Ordinal).Concat(members.GroupBy(static member => member!.Property, StringComparer.Ordinal))
            .FirstOrDefault(static same => same.Count() > 1);
        if (twice is not null)
            Fault(node.Offset, 1, $"two members are called \"{twice.Key}\"");
        return twice is null;
    }

    private void RefuseTwice(IEnumerable<(LockNode Node, string Label)> entries, string what)
    {
        foreach (var same in entries.GroupBy(static entry => entry.Label, StringComparer.Ordinal))
        {
            foreach (var (node, _) in same.Skip(1))
                Fault(node.Offset, 1, $"{what} {same.Key} has a second entry here, the first is on line {Line(same.First().Node.Offset).ToString(CultureInfo.InvariantCulture)}: keep the one that has shipped");
        }
    }

    private static bool IsWord(string text) => text.Length is >= 1 and <= 128 && text.All(static c => c is > ' ' and <= '~');

    private static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text, i))
                i++;
            else if (char.IsSurrogate(text[i]))
                return false;
        }

        return true;
    }

    private void Fault(LockNode node, string message) => Fault(node.Offset, Math.Max(1, node.End - node.Offset), message);

    private void Fault(int offset, int length, string message) => _faults.Add(new LockFault(false, offset, length, Line(offset), message));

    private void ByHand(LockNode node, string message) => _faults.Add(new LockFault(
        true, node.Offset, node.End - node.Offset, Line(node.Offset), message + ": a lock is not edited by hand; restore the entry from version control"));

    private int Line(int offset)
    {
        if (_lineEnds.Count == 0)
            _lineEnds.AddRange(Enumerable.Range(0, _text.Length).Where(i => _text[i] == '\n').DefaultIfEmpty(int.MaxValue));
        var place = _lineEnds.BinarySearch(offset);
        return 1 + (place < 0 ? ~place : place);
    }
}
