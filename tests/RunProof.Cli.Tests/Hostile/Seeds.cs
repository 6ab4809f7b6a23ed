using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Tiles;
using RunProof.Verification;
using RunProof.Witness;

namespace RunProof.Cli.Tests;

/// <summary>Good files of every kind, from which hostile ones are made.</summary>
internal sealed class Seeds
{
    private static readonly NoteSigner Log = NoteSigner.Create("log.test/" + "a1b2c3d4-e5f6-7890-abcd-ef1234567890", NoteAlgorithm.Ed25519, new byte[32]);
    private static readonly NoteSigner Witness = NoteSigner.Create("witness.test/w", NoteAlgorithm.CosignatureV1, [.. Enumerable.Repeat((byte)1, 32)]);

    internal Seeds()
    {
        var file = File.ReadAllBytes(Vectors.PathOf("runproof/bundles/seed-run.json"));
        Assert.True(BundleReader.TryRead(file, out var read, out _));
        Checkpoint = Signed(MerkleTree.LeafHash(Encoding.UTF8.GetBytes(read.Log!.Entry)));
        Proof = new TlogProof(0, [], Checkpoint).ToString();
        Bundle = read with { Log = new BundleLog(read.Log.Entry, Proof, Log.ToString()) };
        Entry = Encoding.UTF8.GetBytes(read.Log.Entry);
        Fork = new ForkProof(Checkpoint, Signed(MerkleTree.LeafHash("b"u8)), MerkleTree.LeafHash("b"u8), []);
        Request = new AddCheckpointRequest(0, [], Checkpoint);
        Policy = $"log {Log}\nwitness w1 {Witness.Key}\ngroup g any w1\nquorum g\n";
        Assert.True(WitnessPolicy.TryParse(Encoding.UTF8.GetBytes(Policy), out var policy, out _));
        Options = new BundleOptions { TrustedKeys = [NoteVerifier.Parse(Log.ToString())], Quorum = new Quorum(policy), MaxFindings = 100 };
        Whole = Text(Bundle.Write);
        Step = Text(StepDisclosure.Of(Bundle, 0).Write);
        Envelope = DsseEnvelope.Sign(RunStatement.PayloadType, RunStatement.Of(Bundle).ToPayload(), Log).ToJson();
        EntryTile = Text(static buffer => EntryBundle.Append(buffer, "entry"u8), static buffer => EntryBundle.Append(buffer, ""u8));
        HashTileBytes = HashTile.Format([MerkleTree.EmptyRoot, MerkleTree.EmptyRoot]);
    }

    internal ProofBundle Bundle { get; }

    internal byte[] Entry { get; }

    internal SignedNote Checkpoint { get; }

    internal string Proof { get; }

    internal ForkProof Fork { get; }

    internal AddCheckpointRequest Request { get; }

    internal string Policy { get; }

    /// <summary>The log's key and a witness that must have cosigned.</summary>
    internal BundleOptions Options { get; }

    internal byte[] Whole { get; }

    internal byte[] Step { get; }

    internal byte[] Envelope { get; }

    internal byte[] EntryTile { get; }

    internal byte[] HashTileBytes { get; }

    /// <summary>The files that <c>verify</c> takes.</summary>
    internal IReadOnlyList<byte[]> Files =>
    [
        Whole, Step, Envelope, Encoding.UTF8.GetBytes(Proof), Encoding.UTF8.GetBytes(Checkpoint.ToString()), Fork.ToJson(),
        File.ReadAllBytes(Vectors.PathOf("runproof/bundles/withheld-payloads.json")),
    ];

    internal static JsonNode Json(byte[] file) => JsonNode.Parse(file)!;

    private static SignedNote Signed(Digest root)
    {
        var text = new Checkpoint(Log.Key.Name, 1, root).Text;
        return new SignedNote(text, [Log.Sign(text, default), Witness.Sign(text, DateTimeOffset.UnixEpoch.AddDays(20_000))]);
    }

    private static byte[] Text(params Action<IBufferWriter<byte>>[] writes)
    {
        var buffer = new ArrayBufferWriter<byte>();
        foreach (var write in writes)
            write(buffer);
        return buffer.WrittenSpan.ToArray();
    }

    private sealed class Quorum(WitnessPolicy policy) : IWitnessQuorum
    {
        public bool IsMet(SignedNote checkpoint, out IReadOnlyList<string> cosigners, out string problem) => policy.Verify(checkpoint, out cosigners, out problem);
    }
}

/// <summary>Makes hostile bytes of good ones: every choice is the random source's, so a seed tells a case again.</summary>
internal sealed class Mutation(Random random)
{
    private static readonly byte[][] Tokens =
    [
        "\n\n"u8.ToArray(), "\n"u8.ToArray(), "— "u8.ToArray(), "\0"u8.ToArray(), [0xff], [0xed, 0xa0, 0x80], "\\ud800"u8.ToArray(), "\\u0000"u8.ToArray(), "null"u8.ToArray(), "1e999"u8.ToArray(), "-0"u8.ToArray(), "99999999999999999999"u8.ToArray(),
        "9223372036854775807"u8.ToArray(), "-1"u8.ToArray(), "{"u8.ToArray(), "}"u8.ToArray(), "["u8.ToArray(), "]"u8.ToArray(), "\""u8.ToArray(), ","u8.ToArray(), ":"u8.ToArray(), "=="u8.ToArray(), "+"u8.ToArray(), " "u8.ToArray(), "\t"u8.ToArray(), "\r"u8.ToArray(),
        "2026-02-30T25:61:61.000000Z"u8.ToArray(), "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["u8.ToArray(), "\"format\":\"runproof/v1\","u8.ToArray(), "index 18446744073709551615"u8.ToArray(), "old 9223372036854775808"u8.ToArray(),
    ];

    /// <summary>One to eight changes.</summary>
    internal byte[] Of(byte[] good, IReadOnlyList<byte[]> others)
    {
        List<byte> bytes = [.. good];
        for (var changes = 1 + random.Next(random.Next(1, 9)); changes > 0; changes--)
            Change(bytes, others);
        return [.. bytes];
    }

    private void Change(List<byte> bytes, IReadOnlyList<byte[]> others)
    {
        var (at, length) = (random.Next(bytes.Count + 1), random.Next(1, 64));
        var rest = Math.Min(length, bytes.Count - at);
        switch (random.Next(9))
        {
            case 0 when rest > 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when rest > 0:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                bytes.RemoveRange(at, rest);
                break;
            case 3:
                bytes.InsertRange(at, bytes.GetRange(at, rest));
                break;
            case 4:
                bytes.InsertRange(at, Tokens[random.Next(Tokens.Length)]);
                break;
            case 5:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 6:
                var other = others[random.Next(others.Count)];
                var from = random.Next(other.Length + 1);
                bytes.InsertRange(at, other.AsSpan(from, Math.Min(length * 8, other.Length - from)));
                break;
            case 7:
                bytes.InsertRange(at, Encoding.ASCII.GetBytes(random.NextInt64(long.MinValue, long.MaxValue).ToString(CultureInfo.InvariantCulture)));
                break;
            default:
                // A character of the text becomes another one: hex stays hex, base64 stays base64, and so more of the judges are reached.
                if (rest > 0 && char.IsAsciiLetterOrDigit((char)bytes[at]))
                    bytes[at] = (byte)"0123456789abcdefABCDEF"[random.Next(22)];
                break;
        }
    }
}
