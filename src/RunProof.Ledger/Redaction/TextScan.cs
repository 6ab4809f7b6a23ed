using System.Buffers;
using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace RunProof.Ledger;

/// <summary>Finds secrets and personal data inside text. Every finder goes through the text once, and looks back or ahead no further than a word.</summary>
internal sealed partial class TextScan
{
    private const string PrivateKeyRule = "private_key";

    private readonly RedactionRules _rules;
    private readonly FieldNameSet _fieldNames;
    private readonly FieldNameSet _queryNames;
    private readonly ImmutableArray<(string Rule, Regex Regex)> _patterns;
    private readonly ImmutableArray<TokenRule> _tokens;
    private readonly SearchValues<string> _words;

    internal TextScan(RedactionRules rules, FieldNameSet fieldNames)
    {
        _rules = rules;
        _fieldNames = fieldNames;
        _queryNames = new FieldNameSet(rules.QueryNames);
        _tokens = [.. rules.Tokens];
        foreach (var token in _tokens)
        {
            if (token.Prefix.Length < 3 || !System.Text.Ascii.IsValid(token.Prefix) || token.MinLength < 1)
                throw new ArgumentException($"rule {token.Rule}: a token's prefix has at least 3 ASCII characters, and at least one must follow it", nameof(rules));
        }

        // The linear engine: no input can make it slow, so it needs no timeout.
        _patterns = [.. rules.Patterns.Select(p => (p.Rule, new Regex(p.Pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant)))];
        _words = SearchValues.Create([.. _tokens.Select(t => t.Prefix), "Bearer", "Basic", "eyJ", "-----BEGIN", "://"], StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Whether patterns of the operator's own are there, which no cheap look can rule out.</summary>
    internal bool HasPatterns => !_patterns.IsEmpty;

    /// <summary>Finds all that the rules remove from a text.</summary>
    /// <param name="text">The text, unescaped.</param>
    /// <returns>Disjoint, in order; null where there is nothing.</returns>
    internal List<Match>? Find(ReadOnlySpan<char> text)
    {
        List<Match>? matches = null;
        FindWords(text, ref matches);
        FindSigns(text, ref matches);
        for (var at = 0; DigitGroups.TryNext(text, ref at, _rules, out var match);)
            (matches ??= []).Add(match);
        foreach (var (rule, regex) in _patterns)
        {
            foreach (var match in regex.EnumerateMatches(text))
            {
                if (match.Length > 0)
                    (matches ??= []).Add(new Match(match.Index, match.Index + match.Length, rule));
            }
        }

        if (matches is { Count: > 1 })
            Match.Merge(matches);
        if (matches is not null)
            Match.FindUrls(matches, text);
        return matches;
    }

    /// <summary>Whether there may be something to remove, from a cheaper look: patterns of the operator's own are not tried.</summary>
    /// <param name="text">The text of a whole payload, or its UTF-8 bytes one a character; escapes undone.</param>
    internal bool IsSuspicious(ReadOnlySpan<char> text)
    {
        List<Match>? matches = null;
        var at = 0;
        FindWords(text, ref matches);
        if (matches is null)
            FindSigns(text, ref matches);
        return matches is not null || DigitGroups.TryNext(text, ref at, _rules, out _);
    }

    /// <summary>A text with marks in the places of its matches.</summary>
    internal static string Replace(ReadOnlySpan<char> text, List<Match> matches)
    {
        var result = new System.Text.StringBuilder(text.Length);
        var copied = 0;
        foreach (var match in matches)
        {
            result.Append(text[copied..match.Start]).Append(match.Mark);
            copied = match.End;
        }

        return result.Append(text[copied..]).ToString();
    }

    /// <summary>What begins with letters of its own: issuers' tokens, credentials after their scheme, JWTs, private keys, URLs.</summary>
    private void FindWords(ReadOnlySpan<char> text, ref List<Match>? matches)
    {
        var at = 0;
        while (at < text.Length)
        {
            var next = text[at..].IndexOfAny(_words);
            if (next < 0)
                return;
            at += next;
            var match = text[at] switch
            {
                ':' => UrlCredentials(text, at),
                '-' => PrivateKey(text, at),
                'e' when text[at..].StartsWith("eyJ", StringComparison.Ordinal) => JsonWebToken(text, at),
                'b' or 'B' when HasScheme(text, at, "Bearer") => Bearer(text, at + 6),
                'b' or 'B' when HasScheme(text, at, "Basic") => Basic(text, at + 5),
                _ => default,
            };
            if (match.End == 0)
                match = Token(text, at);
            if (match.End == 0)
            {
                at++;
                continue;
            }

            (matches ??= []).Add(match);
            at = match.End;
        }
    }

    private Match Token(ReadOnlySpan<char> text, int at)
    {
        if (at > 0 && char.IsAsciiLetterOrDigit(text[at - 1]))
            return default;
        foreach (var token in _tokens)
        {
            if (!text[at..].StartsWith(token.Prefix, StringComparison.Ordinal))
                continue;
            var rest = text[(at + token.Prefix.Length)..];
            var length = token.Exact ? LengthOf(rest, UpperOrDigit) : LengthOf(rest, TokenChars);
            if (token.Exact ? length == token.MinLength : length >= token.MinLength)
                return new Match(at, at + token.Prefix.Length + length, token.Rule);
        }

        return default;
    }

    /// <summary>Three base64url parts, the first of which begins <c>{"</c>.</summary>
    private static Match JsonWebToken(ReadOnlySpan<char> text, int at)
    {
        if (at > 0 && TokenChars.Contains(text[at - 1]))
            return default;
        var header = LengthOf(text[at..], TokenChars);
        var payload = at + header + 1;
        if (header < 10 || payload >= text.Length || text[payload - 1] != '.')
            return default;
        var signature = payload + LengthOf(text[payload..], TokenChars) + 1;
        if (signature > text.Length || signature < payload + 3 || text[signature - 1] != '.')
            return default;
        return new Match(at, signature + LengthOf(text[signature..], TokenChars), "token:jwt");
    }

    private static Match PrivateKey(ReadOnlySpan<char> text, int at)
    {
        const string end = "-----END";
        var header = text[at..Math.Min(text.Length, at + 64)];
        if (!header.StartsWith("-----BEGIN", StringComparison.Ordinal) || header.IndexOf("PRIVATE KEY", StringComparison.Ordinal) < 0)
            return default;
        var close = text[at..].IndexOf(end, StringComparison.Ordinal);
        if (close < 0)
            return new Match(at, text.Length, PrivateKeyRule);
        close += at + end.Length;
        var tail = text[close..Math.Min(text.Length, close + 64)].IndexOf("-----", StringComparison.Ordinal);
        return new Match(at, tail < 0 ? text.Length : close + tail + 5, PrivateKeyRule);
    }

    private static readonly SearchValues<char> TokenChars = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    private static readonly SearchValues<char> UpperOrDigit = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

    private static int LengthOf(ReadOnlySpan<char> text, SearchValues<char> alphabet)
    {
        var length = text.IndexOfAnyExcept(alphabet);
        return length < 0 ? text.Length : length;
    }
}
