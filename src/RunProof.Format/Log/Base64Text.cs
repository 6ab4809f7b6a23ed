namespace RunProof.Format;

/// <summary>Base64 with one spelling of each value: standard alphabet, padded, no white space, no stray bits.</summary>
public static class Base64Text
{
    /// <summary>Decodes; <see cref="Convert.FromBase64String"/> would also take white space and non-zero trailing bits.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="bytes">The bytes, where it is their one spelling.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryDecode(ReadOnlySpan<char> text, out byte[] bytes)
    {
        bytes = [];
        var buffer = new byte[text.Length / 4 * 3];
        if (text.Length % 4 != 0 || !Convert.TryFromBase64Chars(text, buffer, out var written) || !text.SequenceEqual(Convert.ToBase64String(buffer.AsSpan(0, written))))
            return false;
        bytes = buffer[..written];
        return true;
    }

    /// <summary>Decodes a hash.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="digest">The hash, where it is the one spelling of 32 bytes.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryDigest(ReadOnlySpan<char> text, out Digest digest)
    {
        digest = default;
        if (text.Length != 44 || !TryDecode(text, out var bytes) || bytes.Length != Digest.Length)
            return false;
        digest = new Digest(bytes);
        return true;
    }
}
