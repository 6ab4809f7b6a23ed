using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace RunProof.Cli;

/// <summary>What a file is that somebody was handed.</summary>
internal enum EvidenceKind
{
    Bundle,
    Step,
    Envelope,
    TlogProof,
    Checkpoint,
    ForkProof,
}

/// <summary>Tells by its content what a file is; its name says nothing.</summary>
internal static class EvidenceFile
{
    private const string Known = "a proof bundle, a step file, a DSSE envelope, a tlog-proof, a signed checkpoint or a fork proof";

    /// <summary>The word for a kind, on the page and on the wire.</summary>
    internal static string Name(EvidenceKind kind) => kind switch
    {
        EvidenceKind.Bundle => "bundle",
        EvidenceKind.Step => "step",
        EvidenceKind.Envelope => "dsse",
        EvidenceKind.TlogProof => "tlog-proof",
        EvidenceKind.Checkpoint => "checkpoint",
        _ => "fork-proof",
    };

    /// <summary>Bytes that a file of the kind may have.</summary>
    internal static int LimitOf(EvidenceKind kind) => kind switch
    {
        EvidenceKind.Bundle or EvidenceKind.Step => InputFile.DefaultLimit,
        EvidenceKind.Envelope => 32 << 20,
        // Notes, or two of them in JSON.
        _ => 4 << 20,
    };

    /// <summary>Tells what it is.</summary>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="bytes">Its content.</param>
    /// <exception cref="CommandException">It is nothing that can be verified.</exception>
    internal static EvidenceKind Recognise(string file, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            throw Unreadable(file, "it is empty");
        if (!Utf8.IsValid(bytes))
            throw Unreadable(file, "it is binary: what can be verified is UTF-8 text");
        var kind = KindOf(file, bytes);
        return bytes.Length <= LimitOf(kind) ? kind : throw Unreadable(file, string.Create(CultureInfo.InvariantCulture, $"a {Name(kind)} has at most {LimitOf(kind)} bytes, and this has {bytes.Length}"));
    }

    private static EvidenceKind KindOf(string file, ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith("c2sp.org/tlog-proof@"u8))
            return EvidenceKind.TlogProof;
        var text = bytes.TrimStart(" \t\r\n"u8);
        if (text.StartsWith("{"u8))
            return OfJson(file, text);
        return bytes.IndexOf(Encoding.UTF8.GetBytes("\n\n— ")) >= 0 ? EvidenceKind.Checkpoint : throw Unreadable(file, "it is neither JSON nor a signed note");
    }

    /// <summary>By the names at its top; no document is built of what may be anything.</summary>
    private static EvidenceKind OfJson(string file, ReadOnlySpan<byte> json)
    {
        string? format = null;
        var names = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            var reader = new Utf8JsonReader(json);
            reader.Read();
            while (reader.Read())
            {
                if (reader.CurrentDepth != 1 || reader.TokenType != JsonTokenType.PropertyName)
                    continue;
                var name = NameOf(ref reader);
                reader.Read();
                // Of a hostile file's millions of names only ours are kept.
                if (name is "payloadType" or "signatures" or "steps" or "links")
                    names.Add(name);
                if (name == "format" && reader.TokenType == JsonTokenType.String)
                    format ??= TextOf(ref reader);
                reader.Skip();
            }
        }
        catch (JsonException problem)
        {
            throw Unreadable(file, "it is not JSON, or was cut short: " + problem.Message);
        }

        return Kind(format, names) ?? throw Unreadable(file, format is null ? "it is JSON of another kind" : $"it is JSON of the format \"{format}\"");
    }

    // Another version of a format is for its verifier to refuse: it can say what is known.
    private static EvidenceKind? Kind(string? format, HashSet<string> names) => format switch
    {
        not null when format.StartsWith("runproof-step/", StringComparison.Ordinal) => EvidenceKind.Step,
        not null when format.StartsWith("runproof-fork/", StringComparison.Ordinal) => EvidenceKind.ForkProof,
        not null when format.StartsWith("runproof/", StringComparison.Ordinal) => EvidenceKind.Bundle,
        _ when names.Contains("payloadType") && names.Contains("signatures") => EvidenceKind.Envelope,
        _ when names.Contains("steps") && names.Contains("links") => EvidenceKind.Bundle,
        _ => null,
    };

    // Names that are longer than any of ours are not read, and neither are those that hold an escaped lone surrogate.
    private static string? NameOf(ref Utf8JsonReader reader) => reader.ValueSpan.Length > 64 ? null : TextOf(ref reader);

    private static string? TextOf(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.ValueSpan.Length > 1024 ? null : reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static CommandException Unreadable(string file, string why) => CommandException.Usage($"{file} cannot be verified: {why}", "what can be is " + Known);
}
