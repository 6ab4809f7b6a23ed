using System.Globalization;
using System.Text;

namespace RunProof.Generators;

/// <summary>JSON strings as RFC 8785 writes them.</summary>
internal static class JsonText
{
    public static string Quote(string text)
    {
        var json = new StringBuilder("\"", text.Length + 2);
        foreach (var c in text)
            Append(json, c);
        return json.Append('"').ToString();
    }

    private static void Append(StringBuilder json, char c)
    {
        switch (c)
        {
            case '"': json.Append("\\\""); break;
            case '\\': json.Append("\\\\"); break;
            case '\b': json.Append("\\b"); break;
            case '\t': json.Append("\\t"); break;
            case '\n': json.Append("\\n"); break;
            case '\f': json.Append("\\f"); break;
            case '\r': json.Append("\\r"); break;
            case < ' ': json.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture)); break;
            default: json.Append(c); break;
        }
    }
}
