using System.Buffers;

namespace RunProof.Ledger;

/// <content>Credentials after a scheme's name, in URLs, in query strings and forms; e-mail addresses.</content>
internal sealed partial class TextScan
{
    // RFC 6750's b64token.
    private static readonly SearchValues<char> CredentialChars = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~+/=");
    private static readonly SearchValues<char> NameChars = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    private static readonly SearchValues<char> AuthorityEnd = SearchValues.Create("/?#\\\"'<>` \t\r\n,;|");
    private static readonly SearchValues<char> ValueEnd = SearchValues.Create("&;#\"'<>` \t\r\n,)]}\\");
    private static readonly SearchValues<char> Letters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    private static readonly SearchValues<char> Signs = SearchValues.Create("@=");

    // The longest local part of RFC 5321, and as far as names and domains are looked at.
    private const int LongestWord = 64;
    private const int LongestDomain = 253;

    private static bool HasScheme(ReadOnlySpan<char> text, int at, string scheme) =>
        (at == 0 || !char.IsAsciiLetterOrDigit(text[at - 1]))
        && text[at..].StartsWith(scheme, StringComparison.OrdinalIgnoreCase)
        && at + scheme.Length < text.Length && text[at + scheme.Length] is ' ' or '\t' or ':';

    private static (int Start, int End) Credential(ReadOnlySpan<char> text, int at)
    {
        while (at < text.Length && text[at] is ' ' or '\t' or ':')
            at++;
        return (at, at + LengthOf(text[at..], CredentialChars));
    }

    /// <summary>What follows "Bearer" and is no word of a sentence; or whatever it is, where nothing else stands in the text.</summary>
    private static Match Bearer(ReadOnlySpan<char> text, int at)
    {
        var (start, end) = Credential(text, at);
        var credential = text[start..end].TrimEnd("./=");
        var isAll = end > start && (at == 6 || text[at - 7] == '"') && (end == text.Length || text[end] == '"');
        var isWord = credential.Length < 6 || (credential.Length < 16 && !credential.ContainsAnyExcept(Letters));
        return isAll || !isWord ? new Match(start, end, "token:bearer") : default;
    }

    /// <summary>What follows "Basic" and is base64 of something with a colon.</summary>
    private static Match Basic(ReadOnlySpan<char> text, int at)
    {
        const int longest = 4096;
        var (start, end) = Credential(text, at);
        var credential = text[start..end].TrimEnd('=');
        if (credential.Length is 0 or > longest)
            return credential.IsEmpty ? default : new Match(start, end, "token:basic");
        Span<byte> decoded = stackalloc byte[longest];
        Span<char> padded = stackalloc char[credential.Length + 3];
        credential.CopyTo(padded);
        padded[credential.Length..].Fill('=');
        padded = padded[..((credential.Length + 3) / 4 * 4)];
        return Convert.TryFromBase64Chars(padded, decoded, out var length) && decoded[..length].Contains((byte)':')
            ? new Match(start, end, "token:basic")
            : default;
    }

    /// <summary>The user information of a URL's authority: behind <c>://</c>, before its last <c>@</c>.</summary>
    private static Match UrlCredentials(ReadOnlySpan<char> text, int at)
    {
        var start = at + 3;
        var length = text[start..].IndexOfAny(AuthorityEnd);
        var authority = length < 0 ? text[start..] : text.Slice(start, length);
        var user = authority.LastIndexOf('@');
        return user > 0 && !authority.StartsWith(Match.UrlMark, StringComparison.Ordinal) ? new Match(start, start + user, "url") : default;
    }

    /// <summary>What stands around an <c>@</c> or behind an <c>=</c>.</summary>
    private void FindSigns(ReadOnlySpan<char> text, ref List<Match>? matches)
    {
        var known = matches?.Count ?? 0;
        var word = 0;
        for (var at = 0; at < text.Length; at++)
        {
            var next = text[at..].IndexOfAny(Signs);
            if (next < 0)
                return;
            at += next;

            // The @ behind a URL's credentials belongs to its host.
            while (word < known && matches![word].End < at)
                word++;
            if (word < known && matches![word].End == at)
                continue;
            var match = text[at] == '@' ? Email(text, at) : Assigned(text, at);
            if (match.End == 0)
                continue;
            (matches ??= []).Add(match);
            at = Math.Max(at, match.End - 1);
        }
    }

    private Match Email(ReadOnlySpan<char> text, int at)
    {
        if (!_rules.Emails)
            return default;
        var start = at;
        while (start > 0 && at - start < LongestWord && IsLocal(text[start - 1]))
            start--;
        var end = at + 1;
        int dot = 0, afterDot = 0;
        for (; end < text.Length && end - at <= LongestDomain && (IsWord(text[end]) || text[end] is '.' or '-'); end++)
        {
            if (text[end] == '.' && end + 1 < text.Length && IsWord(text[end + 1]))
                (dot, afterDot) = (end, end + 1);
        }

        while (end > at + 1 && text[end - 1] is '.' or '-')
            end--;
        var isDomain = dot > at + 1 && end - afterDot >= 2 && !text[afterDot..end].ContainsAnyInRange('0', '9');
        var isMark = text[..at].EndsWith(Match.UrlMark + "url", StringComparison.Ordinal)
            || (text[at..end].EndsWith("REDACTED", StringComparison.Ordinal) && end < text.Length && text[end] == ':');
        return start < at && isDomain && !isMark ? new Match(start, end, "email") : default;
    }

    /// <summary>Beyond ASCII everything counts: so a payload's UTF-8 bytes can be looked at in place of its characters.</summary>
    private static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c >= 0x80;

    private static bool IsLocal(char c) => IsWord(c) || c is '.' or '_' or '%' or '+' or '-' or '\'';

    /// <summary><c>name=value</c> in a query string, a form, a connection string or a command line.</summary>
    private Match Assigned(ReadOnlySpan<char> text, int at)
    {
        var start = at;
        while (start > 0 && at - start < LongestWord && NameChars.Contains(text[start - 1]))
            start--;
        var name = text[start..at];
        var listed = _fieldNames.Find(name) ?? (start > 0 && text[start - 1] is '?' or '&' ? _queryNames.Find(name) : null);
        if (listed is null)
            return default;
        var value = at + 1;
        var length = text[value..].IndexOfAny(ValueEnd);
        if (length == 0 && text[value] is '"' or '\'')
        {
            var quote = text[value++];
            length = text[value..].IndexOf(quote);
        }

        var end = length < 0 ? text.Length : value + length;
        return end == value || text[value..end].TrimStart('<').StartsWith(Match.UrlMark, StringComparison.Ordinal) ? default : new Match(value, end, "query:" + listed);
    }
}
