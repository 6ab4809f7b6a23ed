using RunProof.Format;

namespace RunProof.Witness;

/// <summary>A hash in base64, in its one spelling.</summary>
internal static class Base64Hash
{
    internal static bool TryRead(string text, out Digest hash)
    {
        hash = default;
        var bytes = new byte[Digest.Length + 1];
        if (text.Length != 44 || !Convert.TryFromBase64String(text, bytes, out var length) || length != Digest.Length || Convert.ToBase64String(bytes.AsSpan(0, length)) != text)
            return false;
        hash = new Digest(bytes.AsSpan(0, length));
        return true;
    }
}
