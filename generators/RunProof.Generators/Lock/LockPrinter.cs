using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace RunProof.Generators;

/// <summary>Prints a lock: two spaces, '\n', a member to a line, so that a change reads well in a diff.</summary>
internal static class LockPrinter
{
    /// <summary>The whole file, with a newline at its end.</summary>
    public static string Print(LockFile file)
    {
        var text = new StringBuilder("{\n  \"format\": ").Append(JsonText.Quote(LockFile.Format));
        List(text.Append(",\n"), "  ", "records", file.Records.Select(static record => Lines(record)));
        List(text.Append(",\n"), "  ", "skills", file.Skills.Select(static skill => "    " + Entry(skill)));
        return text.Append("\n}\n").ToString();
    }

    /// <summary>One record on one line: what an assembly carries.</summary>
    public static string Entry(LockRecord record) =>
        "{" + Head(record) + ", \"members\": [" + string.Join(", ", record.Members.Select(Member)) + "]}";

    /// <summary>One skill on one line.</summary>
    public static string Entry(LockSkill skill) =>
        "{\"name\": " + JsonText.Quote(skill.Name) + ", \"version\": " + JsonText.Quote(skill.Version) + ", \"parameters\": " + JsonText.Quote(skill.Parameters)
        + ", \"outcome\": " + JsonText.Quote(skill.Outcome) + ", \"schema\": " + JsonText.Quote(skill.Schema) + "}";

    private static string Lines(LockRecord record)
    {
        var text = new StringBuilder("    {\n      ").Append(Head(record)).Append(",\n");
        List(text, "      ", "members", record.Members.Select(static member => "        " + Member(member)));
        return text.Append("\n    }").ToString();
    }

    private static string Head(LockRecord record) =>
        "\"name\": " + JsonText.Quote(record.Name) + ", \"version\": " + JsonText.Quote(record.Version) + ", \"fingerprint\": " + JsonText.Quote(record.Fingerprint);

    private static string Member(LockMember member) =>
        "{\"wire\": " + JsonText.Quote(member.Wire) + ", \"property\": " + JsonText.Quote(member.Property) + ", \"type\": " + JsonText.Quote(member.Type.Spelling) + "}";

    private static void List(StringBuilder text, string indent, string name, IEnumerable<string> items)
    {
        var all = items.ToArray();
        text.Append(indent).Append('"').Append(name).Append("\": [");
        if (all.Length > 0)
            text.Append('\n').Append(string.Join(",\n", all)).Append('\n').Append(indent);
        text.Append(']');
    }
}
