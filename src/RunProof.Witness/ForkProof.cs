using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Witness;

/// <summary>
/// That a log showed two histories: two checkpoints of it, and the root that the newer one commits to at the size of the older, which is another than the
/// older one's. Whoever has the log's key can check it; nobody without the log's private key can make one.
/// </summary>
/// <param name="Older">A signed checkpoint.</param>
/// <param name="Newer">A signed checkpoint of the same log, not smaller.</param>
/// <param name="RootAtOlderSize">The root of the newer tree's first entries, as many as the older has.</param>
/// <param name="Path">The consistency proof from that root to the newer one's; empty where the sizes are equal.</param>
public sealed record ForkProof(SignedNote Older, SignedNote Newer, Digest RootAtOlderSize, IReadOnlyList<Digest> Path)
{
    /// <summary>The value of the member <c>format</c>.</summary>
    public const string Format = "runproof-fork/v1";

    /// <summary>Whether the log's keys signed both, and they contradict each other.</summary>
    /// <param name="keys">Keys of the log.</param>
    /// <param name="problem">Why it proves nothing, where it does not.</param>
    /// <returns>Whether the log forked.</returns>
    public bool Verify(IReadOnlyList<INoteVerifier> keys, out string problem)
    {
        if (!Older.Verify(keys, out _, out problem) || !Newer.Verify(keys, out _, out problem)
            || !Checkpoint.TryParse(Older.Text, out var older, out problem) || !Checkpoint.TryParse(Newer.Text, out var newer, out problem))
            return false;
        problem = "the checkpoints are of two logs";
        if (!string.Equals(older.Origin, newer.Origin, StringComparison.Ordinal))
            return false;
        problem = "the newer checkpoint does not commit to that root at the older size";
        if (!MerkleProofs.VerifyConsistency((ulong)older.Size, (ulong)newer.Size, [.. Path], RootAtOlderSize, newer.Root))
            return false;
        problem = "the two agree: the log did not fork";
        if (RootAtOlderSize == older.Root)
            return false;
        problem = "";
        return true;
    }

    /// <summary>Reads a fork proof.</summary>
    /// <param name="json">A JSON object with the members <c>format</c>, <c>newer</c>, <c>older</c>, <c>path</c>, <c>root_at_older_size</c>.</param>
    /// <param name="proof">The proof, where the form is right.</param>
    /// <param name="problem">What is wrong, where it is not.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse(JsonElement json, [NotNullWhen(true)] out ForkProof? proof, out string problem)
    {
        try
        {
            return TryRead(json, out proof, out problem);
        }
        catch (InvalidOperationException)
        {
            // What looking up a member throws where another one's name is an escaped lone surrogate.
            (proof, problem) = (null, "a member's name is no text");
            return false;
        }
    }

    private static bool TryRead(JsonElement json, [NotNullWhen(true)] out ForkProof? proof, out string problem)
    {
        proof = null;
        problem = $"a fork proof is a JSON object of format {Format} with the texts newer and older, root_at_older_size and path";
        if (json.ValueKind != JsonValueKind.Object || json.EnumerateObject().Count() != 5 || Text(json, "format") != Format
            || Text(json, "older") is not { } older || Text(json, "newer") is not { } newer || !Digest.TryParse(Text(json, "root_at_older_size"), out var root)
            || !json.TryGetProperty("path", out var hashes) || hashes.ValueKind != JsonValueKind.Array || hashes.GetArrayLength() > TlogProof.MaxPath + 1)
            return false;
        var path = new List<Digest>();
        foreach (var hash in hashes.EnumerateArray())
        {
            if (hash.ValueKind != JsonValueKind.String || !Digest.TryParse(hash.GetString(), out var digest))
                return false;
            path.Add(digest);
        }

        if (!SignedNote.TryParse(System.Text.Encoding.UTF8.GetBytes(older), out var first, out problem) || !SignedNote.TryParse(System.Text.Encoding.UTF8.GetBytes(newer), out var second, out problem))
            return false;
        proof = new ForkProof(first, second, root, path);
        return true;
    }

    /// <summary>The proof as canonical JSON.</summary>
    /// <returns>UTF-8.</returns>
    public byte[] ToJson()
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{\"format\":"u8);
        writer.WriteString(Format);
        writer.WriteRaw(",\"newer\":"u8);
        writer.WriteString(Newer.ToString());
        writer.WriteRaw(",\"older\":"u8);
        writer.WriteString(Older.ToString());
        writer.WriteRaw(",\"path\":["u8);
        for (var i = 0; i < Path.Count; i++)
        {
            if (i > 0)
                writer.WriteRaw(","u8);
            Path[i].WriteCanonical(ref writer);
        }

        writer.WriteRaw("],\"root_at_older_size\":"u8);
        RootAtOlderSize.WriteCanonical(ref writer);
        writer.WriteRaw("}"u8);
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static string? Text(JsonElement json, string name)
    {
        try
        {
            return json.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String ? member.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            // An escaped lone surrogate.
            return null;
        }
    }
}
