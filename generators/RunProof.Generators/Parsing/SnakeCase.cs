using System.Text;

namespace RunProof.Generators;

/// <summary>C# names as wire names: <c>HTTPStatusCode2</c> is <c>http_status_code2</c>.</summary>
internal static class SnakeCase
{
    public static string Of(string name)
    {
        var wire = new StringBuilder(name.Length + 4);
        for (var i = 0; i < name.Length; i++)
        {
            if (i > 0 && BeginsWord(name, i))
                wire.Append('_');
            wire.Append(char.ToLowerInvariant(name[i]));
        }

        return wire.ToString();
    }

    private static bool BeginsWord(string name, int i)
    {
        if (!char.IsUpper(name[i]))
            return false;
        var before = name[i - 1];
        return char.IsLower(before) || char.IsDigit(before) || (char.IsUpper(before) && i + 1 < name.Length && char.IsLower(name[i + 1]));
    }
}
