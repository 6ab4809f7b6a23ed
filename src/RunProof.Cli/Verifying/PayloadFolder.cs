using System.Text;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Cli;

/// <summary>
/// Payloads that a bundle withholds, handed over besides it: a file <c>&lt;commitment in hex&gt;.json</c> each, with the object that a bundle would have:
/// <c>{"salt":"…","text":"…"}</c>. Files of other commitments may lie there too.
/// </summary>
internal static class PayloadFolder
{
    /// <summary>Bytes that a file may have.</summary>
    private const int MaxLength = 64 << 20;

    /// <summary>A reader of the folder.</summary>
    /// <param name="folder">The folder; null for none.</param>
    /// <exception cref="CommandException">There is no such folder; the reader throws where a file of a wanted commitment has not the form.</exception>
    internal static Func<Digest, RevealedPayload?> Open(string? folder)
    {
        if (folder is null)
            return static _ => null;
        if (!Directory.Exists(folder))
            throw CommandException.Usage($"there is no folder {folder}");
        return commitment => Read(Path.Combine(folder, commitment + ".json"));
    }

    private static RevealedPayload? Read(string path)
    {
        try
        {
            if (!File.Exists(path))
                return null;
            if (new FileInfo(path).Length > MaxLength)
                throw CommandException.Usage($"{path} is longer than {MaxLength} bytes");
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = 2, AllowDuplicateProperties = false });
            var json = document.RootElement;
            if (json.ValueKind == JsonValueKind.Object && json.EnumerateObject().Count() == 2
                && json.TryGetProperty("salt", out var salt) && salt.ValueKind == JsonValueKind.String && json.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String
                && Base64Text.TryDecode(salt.GetString(), out var bytes) && bytes.Length == Commitment.SaltLength)
                return new RevealedPayload(bytes, text.GetString()!);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"cannot read {path}: {problem.Message}");
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException or DecoderFallbackException)
        {
            // No JSON, not UTF-8, or an escaped lone surrogate: said below.
        }

        throw CommandException.Usage($"{path} is no payload", $"a payload is {{\"salt\":\"<base64 of {Commitment.SaltLength} bytes>\",\"text\":\"…\"}}");
    }
}
