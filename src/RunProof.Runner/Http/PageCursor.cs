using System.Buffers.Text;
using System.Text;
using RunProof.Format;

namespace RunProof.Runner;

/// <summary>Where a page of things that are ordered by time and id ended: opaque to callers, and good for as long as they are there.</summary>
internal static class PageCursor
{
    /// <summary>The cursor after one of them.</summary>
    public static string After(DateTimeOffset time, string id) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"{WireTime.ToText(time)} {id}"));

    /// <summary>Reads a cursor back; the id is 1 to 128 printable ASCII characters without space.</summary>
    public static bool TryParse(string text, out (DateTimeOffset Time, string Id) after)
    {
        after = default;
        if (text.Length > 400 || !Base64Url.IsValid(text))
            return false;
        var parts = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(text)).Split(' ');
        if (parts.Length != 2 || !WireTime.TryParse(parts[0], out var time) || parts[1].Length is 0 or > 128 || parts[1].Any(c => c is < '!' or > '~'))
            return false;
        after = (time, parts[1]);
        return true;
    }
}
