using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>Why a file is no bundle, and where: <c>steps[0].level</c>.</summary>
/// <param name="Place">Where.</param>
/// <param name="Message">What is wrong there, without the place.</param>
public sealed record BundleFault(string Place, string Message);

/// <summary>Reads a bundle in any layout of JSON: every member set exactly as proof-format.md section 5 has it. Total: any bytes give a bundle or faults.</summary>
public sealed class BundleReader
{
    /// <summary>Bytes that a bundle may have: it is held in memory whole, about three times.</summary>
    public const int MaxLength = 512 << 20;

    /// <summary>JSON tokens that a bundle may have: each costs memory however short it is. A step has about fifty.</summary>
    public const int MaxTokens = 16_000_000;

    // Beyond these a hostile file could make one fault a member for ever.
    private const int MaxFaults = 1_000;

    private const int MaxDepth = 16;

    private readonly List<BundleFault> _faults = [];

    private readonly string _whole;

    private BundleReader(string whole) => _whole = whole;

    /// <summary>Reads a bundle.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="bundle">The bundle, where its form is right. Nothing in it has been verified.</param>
    /// <param name="faults">What is wrong, where it is not; at least one.</param>
    /// <returns>Whether the form is right.</returns>
    public static bool TryRead(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out ProofBundle? bundle, out IReadOnlyList<BundleFault> faults) =>
        TryRead(bytes, "bundle", static (reader, json) => reader.Bundle(json), out bundle, out faults);

    /// <summary>Reads another file of records by the same rules.</summary>
    /// <typeparam name="T">What it is.</typeparam>
    /// <param name="bytes">The file.</param>
    /// <param name="whole">What the file itself is called in faults.</param>
    /// <param name="read">Reads it; what it returns counts only where nothing was refused.</param>
    /// <param name="value">What was read.</param>
    /// <param name="faults">What is wrong, where something is.</param>
    /// <returns>Whether nothing is.</returns>
    internal static bool TryRead<T>(ReadOnlyMemory<byte> bytes, string whole, Func<BundleReader, JsonElement, T?> read, [NotNullWhen(true)] out T? value, out IReadOnlyList<BundleFault> faults)
        where T : class
    {
        var reader = new BundleReader(whole);
        value = reader.Read(bytes, read);
        faults = reader._faults;
        if (faults.Count > 0)
            value = null;
        return value is not null;
    }

    private T? Read<T>(ReadOnlyMemory<byte> bytes, Func<BundleReader, JsonElement, T?> read)
        where T : class
    {
        if (bytes.Length > MaxLength || !Utf8.IsValid(bytes.Span))
        {
            Refuse(_whole, bytes.Length > MaxLength ? string.Create(CultureInfo.InvariantCulture, $"is longer than {MaxLength} bytes") : "is not UTF-8");
            return null;
        }

        try
        {
            if (!HasFewTokens(bytes.Span))
            {
                Refuse(_whole, string.Create(CultureInfo.InvariantCulture, $"has more than {MaxTokens} JSON tokens"));
                return null;
            }

            using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });
            return read(this, document.RootElement);
        }
        catch (JsonException e)
        {
            Refuse(_whole, "is not JSON with unique member names: " + e.Message);
        }
        catch (InvalidOperationException)
        {
            // The one thing that GetString refuses in JSON that parses.
            Refuse(_whole, "holds an escaped lone surrogate");
        }

        return null;
    }

    private ProofBundle? Bundle(JsonElement json)
    {
        if (!HasMembers(json, _whole, ["format", "header", "links", "log", "payloads", "root_hash", "seal", "steps"]))
            return null;
        Format(json, ProofBundle.CurrentFormat);
        var header = Record<TraceHeader>(json.GetProperty("header"), "header");
        var steps = Items(json, "steps", static (reader, item, place) => reader.Record<TraceStep>(item, place));
        var seal = Record<TraceSeal>(json.GetProperty("seal"), "seal");
        var links = Items(json, "links", static (reader, item, place) => reader.Hash(item, place));
        var payloads = Payloads(json.GetProperty("payloads"));
        var root = Hash(json.GetProperty("root_hash"), "root_hash");
        var log = Log(json.GetProperty("log"));
        if (_faults.Count > 0 || header is null || seal is null || root is null)
            return null;
        return new ProofBundle
        {
            Header = header,
            Steps = [.. steps.Select(static step => step!)],
            Seal = seal,
            Links = [.. links.Select(static link => link!.Value)],
            Payloads = payloads,
            RootHash = root.Value,
            Log = log,
        };
    }

    private static bool HasFewTokens(ReadOnlySpan<byte> bytes)
    {
        // A token has at least a byte, and few that count have fewer than two.
        if (bytes.Length <= MaxTokens)
            return true;
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { MaxDepth = MaxDepth });
        var tokens = 0;
        while (tokens <= MaxTokens && reader.Read())
            tokens++;
        return tokens <= MaxTokens;
    }

    /// <summary>The member <c>format</c>, which must be the one that is known.</summary>
    internal void Format(JsonElement json, string known)
    {
        if (Text(json, "format", "format") is { } format && format != known)
            Refuse("format", $"is \"{format}\", which is not known here");
    }

    internal List<T?> Items<T>(JsonElement json, string name, Func<BundleReader, JsonElement, string, T?> read)
    {
        var items = new List<T?>();
        if (json.GetProperty(name) is not { ValueKind: JsonValueKind.Array } array)
        {
            Refuse(name, "is no array");
            return items;
        }

        foreach (var item in array.EnumerateArray().TakeWhile(_ => _faults.Count < MaxFaults))
            items.Add(read(this, item, string.Create(CultureInfo.InvariantCulture, $"{name}[{items.Count}]")));
        return items;
    }

    /// <summary>A record of the format: its members exactly, and then its canonical bytes through the strict reader.</summary>
    internal T? Record<T>(JsonElement json, string place)
        where T : class, ICanonical<T>
    {
        if (!HasMembers(json, place, MembersOf<T>.Names))
            return null;
        byte[] canonical;
        try
        {
            canonical = Canonicalizer.Canonicalize(JsonMarshal.GetRawUtf8Value(json), NumberRule.Exact);
        }
        catch (CanonicalFormatException e)
        {
            Refuse(place, e.Message);
            return null;
        }

        if (CanonicalBytes.TryRead<T>(canonical, out var value, out var fault))
            return value;
        Refuse(place + MemberAt(canonical, fault.Offset), fault.Message);
        return null;
    }

    /// <summary>The member that holds a byte: the last one that begins before it.</summary>
    private static string MemberAt(byte[] canonical, int offset)
    {
        var reader = new Utf8JsonReader(canonical);
        var member = "";
        while (reader.Read() && reader.TokenStartIndex <= offset)
            member = reader is { TokenType: JsonTokenType.PropertyName, CurrentDepth: 1 } ? "." + reader.GetString() : member;
        return member;
    }

    internal Dictionary<Digest, RevealedPayload> Payloads(JsonElement json)
    {
        var payloads = new Dictionary<Digest, RevealedPayload>();
        if (json.ValueKind != JsonValueKind.Object)
            Refuse("payloads", "is no object");
        foreach (var member in json.ValueKind == JsonValueKind.Object ? json.EnumerateObject() : default)
        {
            var place = $"payloads[{member.Name}]";
            if (!Digest.TryParse(member.Name, out var commitment))
                Refuse(place, "is not under a commitment: 64 lower-case hex digits");
            else if (HasMembers(member.Value, place, ["salt", "text"]) && Text(member.Value, "salt", place + ".salt") is { } salt && Text(member.Value, "text", place + ".text") is { } text)
            {
                if (Base64Text.TryDecode(salt, out var bytes) && bytes.Length == Commitment.SaltLength)
                    payloads.Add(commitment, new RevealedPayload(bytes, text));
                else
                    Refuse(place + ".salt", $"is not the base64 of {Commitment.SaltLength} bytes");
            }
        }

        return payloads;
    }

    internal BundleLog? Log(JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.Null || !HasMembers(json, "log", ["entry", "proof", "public_key"]))
            return null;
        var (entry, proof, key) = (Text(json, "entry", "log.entry"), Text(json, "proof", "log.proof"), Text(json, "public_key", "log.public_key"));
        return entry is null || proof is null || key is null ? null : new BundleLog(entry, proof, key);
    }

    internal Digest? Hash(JsonElement json, string place)
    {
        if (json.ValueKind == JsonValueKind.String && Digest.TryParse(json.GetString(), out var hash))
            return hash;
        Refuse(place, "is not 64 lower-case hex digits");
        return null;
    }

    internal string? Text(JsonElement json, string name, string place)
    {
        if (json.GetProperty(name) is { ValueKind: JsonValueKind.String } text)
            return text.GetString();
        Refuse(place, "is no string");
        return null;
    }

    internal bool HasMembers(JsonElement json, string place, IReadOnlyCollection<string> names)
    {
        var before = _faults.Count;
        var inside = place == _whole ? "" : place + ".";
        if (json.ValueKind != JsonValueKind.Object)
        {
            Refuse(place, "is no object");
            return false;
        }

        foreach (var member in json.EnumerateObject().Where(member => !names.Contains(member.Name)))
            Refuse(inside + member.Name, "is no member of it");
        foreach (var name in names.Where(name => !json.TryGetProperty(name, out _)))
            Refuse(inside + name, "is missing");
        return _faults.Count == before;
    }

    internal void Refuse(string place, string message)
    {
        if (_faults.Count < MaxFaults)
            _faults.Add(new BundleFault(place, message));
    }

    /// <summary>A record's wire names, from the schema that is fixed at compile time.</summary>
    private static class MembersOf<T>
        where T : ICanonical<T>
    {
        internal static readonly string[] Names = Of(T.CanonicalSchema);

        private static string[] Of(string schema)
        {
            using var document = JsonDocument.Parse(schema);
            return [.. document.RootElement.GetProperty("members").EnumerateObject().Select(static member => member.Name)];
        }
    }
}
