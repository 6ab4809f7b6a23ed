using System.Linq;
using System.Xml;

namespace RunProof.Generators;

/// <summary>Prints a record of the lock: the part that somebody once wrote. The serializers are printed as for every record.</summary>
internal static class HistoryEmitter
{
    public static string Emit(HistoryRecord history)
    {
        var (entry, model) = (history.Entry, history.Model);
        var code = new CodeWriter();
        code.Line("namespace " + model.Namespace + ";");
        code.Line();
        code.Line("/// <summary>Record " + Doc(entry.Name) + ", version " + Doc(entry.Version) + ", as " + LockFile.FileName + " keeps it, so that what was recorded can still be read and written.</summary>");
        code.Open("public sealed " + model.Declaration);
        for (var i = 0; i < entry.Members.Count; i++)
        {
            if (i > 0)
                code.Line();
            Member(code, entry, entry.Members[i], model.Shape.Members[i]);
        }

        code.Close();
        return CanonicalEmitter.Header + code;
    }

    private static void Member(CodeWriter code, LockRecord entry, LockMember member, MemberShape shape)
    {
        code.Line("/// <summary>Member <c>" + Doc(member.Wire) + "</c>.</summary>");
        code.Line("public required " + shape.Type.Declared + " " + shape.Property + " { get; init; }");
        if (Innermost(shape.Type) is not { Kind: WireKind.Enum } words)
            return;
        code.Line();
        code.Line("/// <summary>The values of <c>" + Doc(member.Wire) + "</c>.</summary>");
        code.Open("public enum " + HistoryNames.Enum(entry, member));
        foreach (var word in words.Words)
        {
            code.Line("/// <summary><c>" + Doc(word.Wire) + "</c></summary>");
            code.Line(word.Constant.Substring(word.Constant.LastIndexOf('.') + 1) + ",");
        }

        code.Close();
    }

    private static WireType Innermost(WireType type) => type.Element is null ? type : Innermost(type.Element);

    /// <summary>Text in a doc comment, which ends with its line.</summary>
    private static string Doc(string text) => new string(text.Select(static c => (XmlConvert.IsXmlChar(c) || char.IsSurrogate(c)) && !char.IsControl(c) && c is not ('\u2028' or '\u2029') ? c : ' ').ToArray())
        .Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;");
}
