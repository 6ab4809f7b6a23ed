using System.Buffers;
using System.Text;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// Removes by rule: values of members with a telling name, tokens, credentials, keys, cards and addresses inside text, also inside JSON that is kept as
/// text. A payload without any of them costs one scan in pooled memory and comes back as the same instance. Thread-safe.
/// </summary>
/// <remarks>
/// A removed value becomes <c>"&lt;REDACTED&gt;"</c>, a removed part of a text <c>&lt;REDACTED:rule&gt;</c> (within a URL <c>REDACTED:rule</c>, so that it stays one).
/// The time taken grows with the payload's length, whatever it holds.
/// </remarks>
public sealed class Redactor : IRedactor
{
    private const int LongestName = 64;

    private readonly TextScan _text;
    private readonly FieldNameSet _names;
    private readonly RedactionRules _rules;

    /// <summary>Redacts by the default rules.</summary>
    public Redactor()
        : this(RedactionRules.Default)
    {
    }

    /// <summary>Redacts by given rules.</summary>
    /// <param name="rules">The rules.</param>
    /// <exception cref="ArgumentException">A rule is ill-formed: an empty or overlong field name, a short token prefix, a pattern that is no regular expression.</exception>
    /// <exception cref="NotSupportedException">A pattern needs look-around or back-references.</exception>
    public Redactor(RedactionRules rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        _rules = rules;
        _names = new FieldNameSet(rules.FieldNames);
        _text = new TextScan(rules, _names);
    }

    /// <inheritdoc/>
    public RedactionResult Redact(CanonicalJson payload)
    {
        ArgumentNullException.ThrowIfNull(payload);
        var json = payload.Bytes.Span;
        if (!_text.HasPatterns && !IsSuspicious(json))
            return new RedactionResult(payload, []);
        var removals = new List<Removal>();
        var redacted = new JsonRedaction(_rules, _text, _names, removals).Redact(json);
        return redacted is null ? new RedactionResult(payload, []) : new RedactionResult(CanonicalJson.FromCanonicalBytes(redacted), removals);
    }

    /// <summary>One look at everything at once: the payload as one text, a character a byte, one level of escapes undone. Says yes too often, never no wrongly.</summary>
    private bool IsSuspicious(ReadOnlySpan<byte> json)
    {
        var rented = ArrayPool<char>.Shared.Rent(json.Length);
        try
        {
            return !TryUnescape(json, rented, out var length)
                || HasTellingName(rented.AsSpan(0, length))
                || _text.IsSuspicious(rented.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<char>.Shared.Return(rented, clearArray: false);
        }
    }

    /// <summary>Undoes one level of escapes. Gives up on an escaped backslash: JSON within a string may have further escapes behind it.</summary>
    private static bool TryUnescape(ReadOnlySpan<byte> json, Span<char> target, out int length)
    {
        length = 0;
        while (true)
        {
            var plain = json.IndexOf((byte)'\\');
            plain = plain < 0 ? json.Length : plain;
            length += Encoding.Latin1.GetChars(json[..plain], target[length..]);
            if (plain + 1 >= json.Length)
                return true;
            var escaped = json[plain + 1];
            if (escaped == '\\')
                return false;

            // Which control character it was makes no difference here; a blank separates words like all of them.
            target[length++] = escaped == '"' ? '"' : ' ';
            json = json[Math.Min(plain + (escaped == 'u' ? 6 : 2), json.Length)..];
        }
    }

    /// <summary>Whether a quoted word before a colon is the name of a secret, of the payload's members or of those of JSON within its strings.</summary>
    private bool HasTellingName(ReadOnlySpan<char> text)
    {
        for (var at = 0; ; at++)
        {
            var colon = text[at..].IndexOf(':');
            if (colon < 0)
                return false;
            at += colon;
            var word = text[Math.Max(0, at - LongestName - 8)..at].TrimEnd(" \t\r\n");
            if (word is not [.., '"'])
                continue;
            word = word[..^1];
            var name = word[(word.LastIndexOf('"') + 1)..];
            if (name is "$base64" or "$json" || _names.Find(name) is not null)
                return true;
        }
    }
}
