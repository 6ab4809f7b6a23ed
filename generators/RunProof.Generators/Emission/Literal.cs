using System.Globalization;
using System.Linq;
using System.Text;

namespace RunProof.Generators;

/// <summary>Texts as C# literals.</summary>
internal static class Literal
{
    /// <summary>UTF-8 bytes: <c>",\"b\":"u8</c>.</summary>
    public static string Utf8(string text) => Text(text) + "u8";

    /// <summary>An ordinary literal, printable ASCII whatever the text is.</summary>
    public static string Text(string text)
    {
        var code = new StringBuilder("\"");
        foreach (var c in text)
        {
            if (c is '"' or '\\')
                code.Append('\\').Append(c);
            else if (c is >= ' ' and <= '~')
                code.Append(c);
            else
                code.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
        }

        return code.Append('"').ToString();
    }

    /// <summary>A text as an identifier; other characters become underscores.</summary>
    public static string Identifier(string text)
    {
        var name = new string(text.Select(static c => char.IsLetterOrDigit(c) ? c : '_').ToArray());
        return name.Length == 0 || char.IsDigit(name[0]) ? "_" + name : name;
    }

    /// <summary>Eight digits that tell two texts apart which look alike as identifiers or file names (FNV-1a).</summary>
    public static string Digits(string text) =>
        text.Aggregate(2166136261u, static (hash, c) => unchecked((hash ^ c) * 16777619u)).ToString("x8", CultureInfo.InvariantCulture);

    /// <summary>JSON so that a person can read it: a raw literal where its rules allow one.</summary>
    public static string Json(string json)
    {
        if (json.Any(static c => c is < ' ' or > '~') || json[0] == '"' || json[json.Length - 1] == '"')
            return Text(json);
        var quotes = new string('"', 3);
        while (json.Contains(quotes))
            quotes += '"';
        return quotes + json + quotes;
    }
}
