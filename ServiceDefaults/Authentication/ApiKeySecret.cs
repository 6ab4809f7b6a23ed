using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using RunProof.Format;

namespace RunProof.ServiceDefaults;

/// <summary>The text that a caller holds: <c>rpk_</c> and 43 base64url characters of 32 random bytes. Only its SHA-256 is ever stored.</summary>
public static class ApiKeySecret
{
    /// <summary>What every key begins with, so that scanners and our redaction know one when they see it.</summary>
    public const string Prefix = "rpk_";

    private const int Length = 47;

    private static readonly SearchValues<char> Alphabet = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>Makes a new key from the operating system's generator.</summary>
    /// <returns>The text; it cannot be had again.</returns>
    public static string Create() => Prefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    /// <summary>Whether a text has the form of a key.</summary>
    /// <param name="text">Any text or null.</param>
    public static bool IsWellFormed(string? text) =>
        text is { Length: Length } && text.StartsWith(Prefix, StringComparison.Ordinal) && !text.AsSpan(Prefix.Length).ContainsAnyExcept(Alphabet);

    /// <summary>What is stored and looked up: SHA-256 of the whole text.</summary>
    /// <param name="text">The key.</param>
    /// <returns>Its hash.</returns>
    public static Digest HashOf(string text) => Digest.Of(Encoding.UTF8.GetBytes(text));
}
