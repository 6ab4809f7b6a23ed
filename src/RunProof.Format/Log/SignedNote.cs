using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace RunProof.Format;

/// <summary>A signature line of a note.</summary>
/// <param name="Name">The signer's name, as the line says.</param>
/// <param name="KeyId">The key's id, as the line says.</param>
/// <param name="Signature">What follows the id; its form is the algorithm's.</param>
public sealed record NoteSignature(string Name, uint KeyId, ReadOnlyMemory<byte> Signature)
{
    /// <summary>The line, with its line end.</summary>
    /// <returns>The line.</returns>
    public override string ToString()
    {
        var blob = new byte[4 + Signature.Length];
        BinaryPrimitives.WriteUInt32BigEndian(blob, KeyId);
        Signature.Span.CopyTo(blob.AsSpan(4));
        return SignedNote.LineStart + Name + " " + Convert.ToBase64String(blob) + "\n";
    }
}

/// <summary>Says whether one key made a signature of a text. Implementations never throw for a signature, whatever its bytes.</summary>
public interface INoteVerifier
{
    /// <summary>The key.</summary>
    NoteKey Key { get; }

    /// <summary>Verifies.</summary>
    /// <param name="text">The note's text with its last line end, UTF-8.</param>
    /// <param name="signature">The signature, without the key's id.</param>
    /// <returns>Whether the key made it.</returns>
    bool Verify(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature);
}

/// <summary>A text with signatures (C2SP signed-note). What it says must not be used before <see cref="Verify"/> has found a known signer.</summary>
public sealed class SignedNote
{
    /// <summary>Bytes that a note may have.</summary>
    public const int MaxLength = 1_000_000;

    /// <summary>Signature lines that a note may have.</summary>
    public const int MaxSignatures = 100;

    internal const string LineStart = "— ";

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Takes a text and its signatures.</summary>
    /// <param name="text">The text; its last line ends.</param>
    /// <param name="signatures">The signatures in the order of their lines.</param>
    /// <exception cref="ArgumentException">The text's last line does not end.</exception>
    public SignedNote(string text, IReadOnlyList<NoteSignature> signatures)
    {
        ArgumentNullException.ThrowIfNull(signatures);
        if (text is not [.., '\n'])
            throw new ArgumentException("the last line of a note's text ends", nameof(text));
        (Text, Signatures) = (text, signatures);
    }

    /// <summary>The text, with its last line end.</summary>
    public string Text { get; }

    /// <summary>The signature lines in order, known signers' or not.</summary>
    public IReadOnlyList<NoteSignature> Signatures { get; }

    /// <summary>Reads a note.</summary>
    /// <param name="bytes">The note.</param>
    /// <param name="note">The note, where the form is right.</param>
    /// <param name="problem">What is wrong, where it is not.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out SignedNote? note, out string problem)
    {
        note = null;
        problem = "a note is longer than a million bytes";
        if (bytes.Length > MaxLength)
            return false;
        problem = "a note is UTF-8 without control characters but line ends";
        if (!TryText(bytes, out var whole) || whole.Any(static c => c < ' ' && c != '\n'))
            return false;
        // The text itself may hold empty lines: the last one ends it.
        var end = whole.LastIndexOf("\n\n", StringComparison.Ordinal);
        problem = "a note is a text, an empty line and signature lines";
        if (end < 0 || !whole.EndsWith('\n') || end + 2 == whole.Length)
            return false;
        var lines = whole[(end + 2)..^1].Split('\n');
        problem = $"a note has at most {MaxSignatures} signatures";
        if (lines.Length > MaxSignatures)
            return false;
        var signatures = new List<NoteSignature>(lines.Length);
        foreach (var line in lines)
        {
            problem = "a signature line is a dash, a name and base64";
            if (!TryLine(line, out var signature))
                return false;
            signatures.Add(signature);
        }

        (note, problem) = (new SignedNote(whole[..(end + 1)], signatures), "");
        return true;
    }

    /// <summary>Verifies the signatures of known signers. Lines of others are ignored.</summary>
    /// <param name="known">The known signers.</param>
    /// <param name="signers">Those that signed, each once, in the order of their lines.</param>
    /// <param name="problem">Why the note must not be used, where it must not.</param>
    /// <returns>Whether at least one known signer signed, and no line of a known one is false.</returns>
    public bool Verify(IReadOnlyList<INoteVerifier> known, out IReadOnlyList<NoteKey> signers, out string problem)
    {
        if (!TryFindSigners(known, out signers, out problem))
            return false;
        problem = signers.Count > 0 ? "" : "none of its signatures is by a known key";
        return signers.Count > 0;
    }

    /// <summary>Finds who of the known signers signed; that may be nobody.</summary>
    /// <param name="known">The known signers.</param>
    /// <param name="signers">Those that signed, each once, in the order of their lines.</param>
    /// <param name="problem">Whose signature is false, where one is.</param>
    /// <returns>Whether no line of a known signer is false; else the whole note must not be used.</returns>
    public bool TryFindSigners(IReadOnlyList<INoteVerifier> known, out IReadOnlyList<NoteKey> signers, out string problem)
    {
        ArgumentNullException.ThrowIfNull(known);
        var text = Utf8.GetBytes(Text);
        var signed = new List<NoteKey>();
        signers = [];
        foreach (var line in Signatures)
        {
            var verifier = known.FirstOrDefault(key => key.Key.Id == line.KeyId && string.Equals(key.Key.Name, line.Name, StringComparison.Ordinal));
            if (verifier is null)
                continue;
            problem = $"the signature of {line.Name} is false";
            if (!verifier.Verify(text, line.Signature.Span))
                return false;
            if (!signed.Contains(verifier.Key))
                signed.Add(verifier.Key);
        }

        (signers, problem) = (signed, "");
        return true;
    }

    /// <summary>The note: text, empty line, signature lines.</summary>
    /// <returns>The note.</returns>
    public override string ToString() => Text + "\n" + string.Concat(Signatures);

    private static bool TryText(ReadOnlySpan<byte> bytes, out string text)
    {
        text = System.Text.Unicode.Utf8.IsValid(bytes) ? Utf8.GetString(bytes) : "";
        return text.Length > 0;
    }

    private static bool TryLine(string line, [NotNullWhen(true)] out NoteSignature? signature)
    {
        signature = null;
        var parts = line.StartsWith(LineStart, StringComparison.Ordinal) ? line[LineStart.Length..].Split(' ') : [];
        if (parts.Length != 2 || !NoteKey.IsName(parts[0]) || !Base64Text.TryDecode(parts[1], out var blob) || blob.Length < 5)
            return false;
        signature = new NoteSignature(parts[0], BinaryPrimitives.ReadUInt32BigEndian(blob), blob.AsMemory(4));
        return true;
    }
}
