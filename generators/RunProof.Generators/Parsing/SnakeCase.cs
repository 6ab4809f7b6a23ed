using System.Text;

namespace RunProof.Generators;

/// <summary>
/// C# names as wire names: <c>HTTPStatusCode2</c> is <c>http_status_code2</c>. Only ASCII letters change: what other letters become
/// depends on tables that differ between the hosts a compiler runs in.
/// </summary>
internal static class SnakeCase
{
    public static string Of(string name)
    {
        var wire = new StringBuilder(name.Length + 4);
        for (var i = 0; i < name.Length; i++)
        {
            if (i > 0 && BeginsWord(name, i))
                wire.Append('_');
            wire.Append(IsUpper(name[i]) ? (char)(name[i] | 0x20) : name[i]);
        }

        return wire.ToString();
    }

    private static bool BeginsWord(string name, int i)
    {
        if (!IsUpper(name[i]))
            return false;
        var before = name[i - 1];
        return before is (>= 'a' and <= 'z') or (>= '0' and <= '9') || (IsUpper(before) && i + 1 < name.Length && name[i + 1] is >= 'a' and <= 'z');
    }

    private static bool IsUpper(char c) => c is >= 'A' and <= 'Z';
}
