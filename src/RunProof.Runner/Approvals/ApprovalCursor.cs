using System.Buffers.Text;
using System.Text;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Runner;

/// <summary>Where a page of approvals ended: opaque to callers.</summary>
internal static class ApprovalCursor
{
    /// <summary>The cursor after an approval.</summary>
    public static string After(StoredApproval approval) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"{WireTime.ToText(approval.RequestedAt)} {approval.Id}"));

    /// <summary>Reads a cursor back.</summary>
    public static bool TryParse(string text, out (DateTimeOffset RequestedAt, string Id) after)
    {
        after = default;
        if (text.Length > 400 || !Base64Url.IsValid(text))
            return false;
        var parts = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(text)).Split(' ');
        if (parts.Length != 2 || !WireTime.TryParse(parts[0], out var requestedAt) || parts[1].Length is 0 or > 128 || parts[1].Any(c => c is < '!' or > '~'))
            return false;
        after = (requestedAt, parts[1]);
        return true;
    }
}
