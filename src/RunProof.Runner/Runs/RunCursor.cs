using System.Buffers.Text;
using System.Text;
using RunProof.Format;

namespace RunProof.Runner;

/// <summary>Where a page of runs ended: opaque to callers, and good for as long as the run is there.</summary>
internal static class RunCursor
{
    /// <summary>The cursor after a run.</summary>
    public static string After(DateTimeOffset createdAt, RunId run) =>
        Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"{WireTime.ToText(createdAt)} {run.Value}"));

    /// <summary>Reads a cursor back.</summary>
    public static bool TryParse(string text, out (DateTimeOffset CreatedAt, RunId Id) after)
    {
        after = default;
        if (text.Length > 400 || !Base64Url.IsValid(text))
            return false;
        var parts = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(text)).Split(' ');
        if (parts.Length != 2 || !WireTime.TryParse(parts[0], out var createdAt) || !RunId.TryParse(parts[1], out var run))
            return false;
        after = (createdAt, run);
        return true;
    }
}
