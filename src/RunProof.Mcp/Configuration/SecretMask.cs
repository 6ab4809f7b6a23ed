namespace RunProof.Mcp;

/// <summary>Takes the operator's secrets out of what a server says: a server that echoes its environment or a header must not put it into evidence for ever.</summary>
internal sealed class SecretMask
{
    internal const string Mask = "[masked]";

    // A shorter value is in half of all texts; it would mask what it is not.
    private const int Shortest = 6;

    private readonly string[] _secrets;

    internal SecretMask(IEnumerable<string> secrets) =>
        _secrets = [.. secrets.Where(secret => secret.Length >= Shortest).Distinct(StringComparer.Ordinal).OrderByDescending(secret => secret.Length)];

    internal bool IsEmpty => _secrets.Length == 0;

    /// <summary>The text without secrets; the very same where it holds none.</summary>
    internal string Apply(string text)
    {
        foreach (var secret in _secrets)
        {
            if (text.Contains(secret, StringComparison.Ordinal))
                text = text.Replace(secret, Mask, StringComparison.Ordinal);
        }

        return text;
    }
}
