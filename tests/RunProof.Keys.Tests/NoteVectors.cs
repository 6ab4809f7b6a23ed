using System.Text;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Keys.Tests;

/// <summary>Notes, checkpoints and cosignatures of other logs.</summary>
public sealed class NoteVectors
{
    private static readonly JsonElement Notes = Vectors.Json("signed-note", "notes.json");

    [Fact]
    public void Published_notes_are_read_verified_and_written_again()
    {
        foreach (var vector in Notes.GetProperty("valid").EnumerateArray())
        {
            var known = vector.GetProperty("vkeys").EnumerateArray().Select(static key => NoteVerifier.Parse(key.GetString()!)).ToArray();
            var note = Parse(vector.Text("note"));
            Assert.True(note.Verify(known, out var signers, out var problem), vector.Text("name") + ": " + problem);
            Assert.Equal(known.Select(static key => key.Key), signers);
            Assert.Equal(vector.Text("note"), note.ToString());
        }
    }

    [Fact]
    public void Published_faults_are_refused()
    {
        foreach (var vector in Notes.GetProperty("invalid").EnumerateArray())
        {
            var known = vector.GetProperty("vkeys").EnumerateArray().Select(static key => NoteVerifier.Parse(key.GetString()!)).ToArray();
            var text = vector.TryGetProperty("note", out var note) ? note.GetString()! : Hundred(101);
            var accepted = SignedNote.TryParse(Encoding.UTF8.GetBytes(text), out var read, out _) && read.Verify(known, out _, out _);
            Assert.False(accepted, vector.Text("name"));
        }

        Assert.False(SignedNote.TryParse(Notes.GetProperty("invalid_utf8_note_base64").GetBytesFromBase64(), out _, out _));
        Assert.True(SignedNote.TryParse(Encoding.UTF8.GetBytes(Hundred(100)), out _, out var problem), problem);
    }

    [Fact]
    public void A_known_key_whose_signature_is_false_spoils_the_whole_note()
    {
        var two = Notes.GetProperty("valid").EnumerateArray().Single(static vector => vector.Text("name").Contains("both keys", StringComparison.Ordinal));
        var known = two.GetProperty("vkeys").EnumerateArray().Select(static key => NoteVerifier.Parse(key.GetString()!)).ToArray();
        var note = Parse(two.Text("note"));
        var bytes = note.Signatures[1].Signature.ToArray();
        bytes[5] ^= 1;
        var spoiled = new SignedNote(note.Text, [note.Signatures[0], note.Signatures[1] with { Signature = bytes }]);
        Assert.False(spoiled.Verify(known, out var signers, out var problem));
        Assert.Empty(signers);
        Assert.Equal("the signature of EnochRoot is false", problem);
        Assert.True(spoiled.Verify(known[..1], out _, out _));
    }

    [Fact]
    public void One_change_of_a_key_line_and_every_part_of_it_is_refused()
    {
        foreach (var line in Notes.GetProperty("valid").EnumerateArray().SelectMany(static vector => vector.GetProperty("vkeys").EnumerateArray()).Select(static key => key.GetString()!).Distinct())
        {
            Assert.True(NoteKey.TryParse(line, out var key, out _));
            Assert.Equal(line, key.ToString());
            for (var i = 0; i < line.Length; i++)
            {
                // The id of an ECDSA key does not cover its name.
                if (key.Algorithm is not NoteAlgorithm.Ecdsa || i >= key.Name.Length)
                    Assert.False(NoteKey.TryParse(line[..i] + (char)(line[i] + 1) + line[(i + 1)..], out _, out _), line + " at " + i);
                Assert.False(NoteKey.TryParse(line[..i], out _, out _));
                Assert.False(key.Algorithm is not NoteAlgorithm.Ecdsa && i > 0 && NoteKey.TryParse(line[i..], out _, out _));
            }
        }

        Assert.All(Notes.GetProperty("bad_vkeys").EnumerateArray(), static line => Assert.False(NoteKey.TryParse(line.GetString(), out _, out _)));
    }

    [Fact]
    public void A_private_key_signs_as_the_published_notes_are_signed()
    {
        var vector = Notes.GetProperty("valid").EnumerateArray().First(static each => each.TryGetProperty("signer_key", out _));
        var signer = NoteSigner.Parse(vector.Text("signer_key"));
        Assert.Equal(vector.GetProperty("vkeys")[0].GetString(), signer.ToString());
        Assert.Equal(vector.Text("signer_key"), signer.ToPrivateText());
        var note = Parse(vector.Text("note"));
        Assert.Equal(vector.Text("note"), new SignedNote(note.Text, [signer.Sign(note.Text, DateTimeOffset.UnixEpoch)]).ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("PRIVATE+KEY+a+00000000+AQ==")]
    [InlineData("PRIVATE+KEY+PeterNeumann+c74f20a4+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")]
    [InlineData("PRIVATE+KEY+PeterNeumann+c74f20a3+AoEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")]
    [InlineData("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFzAAAA")]
    public void A_private_key_that_was_changed_is_refused_without_a_word_of_it(string text)
    {
        var fault = Assert.Throws<FormatException>(() => NoteSigner.Parse(text));
        Assert.DoesNotContain("AYEKFALV", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("AoEKFALV", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Checkpoints_of_other_logs_are_verified_and_their_roots_recomputed()
    {
        var vectors = Vectors.Json("tlog-checkpoint", "checkpoints.json");
        var log = vectors.GetProperty("tessera_log");
        INoteVerifier[] known = [NoteVerifier.Parse(log.Text("vkey"))];
        var tree = new MerkleTree();
        var entries = log.GetProperty("entries").EnumerateArray().Select(static entry => entry.GetString()!).ToArray();
        foreach (var (text, size) in log.GetProperty("checkpoints").EnumerateArray().Select(static (checkpoint, i) => (checkpoint.GetString()!, i)))
        {
            var checkpoint = Verified(text, known);
            Assert.Equal(("example.com/log/testdata", size, tree.Root()), (checkpoint.Origin, (int)checkpoint.Size, checkpoint.Root));
            if (size < entries.Length)
                tree.AppendLeafHash(MerkleTree.LeafHash(Encoding.UTF8.GetBytes(entries[size])));
        }

        var sum = vectors.GetProperty("sum_golang_org");
        Assert.Equal("go.sum database tree", Verified(sum.GetProperty("checkpoints")[0].GetString()!, [NoteVerifier.Parse(sum.Text("vkey"))]).Origin);
    }

    [Fact]
    public void What_is_no_checkpoint_is_refused_and_a_root_has_32_bytes()
    {
        var vectors = Vectors.Json("tlog-checkpoint", "checkpoints.json");
        Assert.All(vectors.GetProperty("parse_invalid").EnumerateArray(), static text => Assert.False(Checkpoint.TryParse(text.GetString()!, out _, out _)));
        // Good for the generic parser only: their roots are no SHA-256 values.
        Assert.All(vectors.GetProperty("parse_valid").EnumerateArray(), static vector => Assert.False(Checkpoint.TryParse(vector.Text("body"), out _, out _)));
        var root = Convert.ToBase64String(new byte[32]);
        Assert.True(Checkpoint.TryParse($"Log\n9944\n{root}\nlots\nof\nlines\n", out var checkpoint, out _));
        Assert.Equal(["lots", "of", "lines"], checkpoint.Extensions);
        Assert.Equal($"Log\n9944\n{root}\nlots\nof\nlines\n", checkpoint.Text);
        Assert.False(Checkpoint.TryParse($"Log\n9223372036854775808\n{root}\n", out _, out _));
        Assert.False(Checkpoint.TryParse($"Log\n1\n{root}\n\n", out _, out _));
    }

    [Fact]
    public void Cosignatures_of_other_witnesses_are_verified()
    {
        var vectors = Vectors.Json("cosignature-v1", "cosignatures.json");
        foreach (var vector in vectors.GetProperty("valid").EnumerateArray())
        {
            var note = Parse(vector.Text("checkpoint"));
            var witness = NoteVerifier.Parse(vector.Text("cosigner_vkey"));
            Assert.True(note.Verify([witness], out _, out var problem), problem);
            var line = note.Signatures.Single(signature => signature.KeyId == witness.Key.Id);
            Assert.True(Cosignature.TryRead(line.Signature.Span, out var time, out _));
            Assert.Equal(vector.GetProperty("timestamp").GetInt64(), time);
            var later = line.Signature.ToArray();
            later[7]++;
            Assert.False(new SignedNote(note.Text, [line with { Signature = later }]).Verify([witness], out _, out _));
        }

        var example = vectors.GetProperty("spec_example");
        Assert.StartsWith($"cosignature/v1\ntime {example.GetProperty("decoded_timestamp").GetInt64()}\n", example.Text("message"), StringComparison.Ordinal);
        var text = example.Text("message").Split('\n', 3)[2];
        Assert.Equal(example.Text("message"), Encoding.UTF8.GetString(Cosignature.Message(1679315147, Encoding.UTF8.GetBytes(text))));
    }

    [Fact]
    public void A_witness_signs_as_the_generated_vectors_are_signed()
    {
        var vectors = Vectors.Json("generated-tlog", "proofs.json");
        var seed = System.Security.Cryptography.SHA256.HashData("vector witness 1"u8);
        var witness = NoteSigner.Create("witness.example/w1", NoteAlgorithm.CosignatureV1, seed);
        Assert.Equal(vectors.GetProperty("witness_vkeys")[0].GetString(), witness.ToString());
        Assert.True(TlogProof.TryParse(vectors.GetProperty("inclusion")[0].Text("proof"), out var proof, out _));
        var line = proof.Checkpoint.Signatures.Single(signature => signature.KeyId == witness.Key.Id);
        Assert.True(Cosignature.TryRead(line.Signature.Span, out var time, out _));
        Assert.Equal(line.ToString(), witness.Sign(proof.Checkpoint.Text, DateTimeOffset.FromUnixTimeSeconds(time)).ToString());
    }

    private static Checkpoint Verified(string text, INoteVerifier[] known)
    {
        var note = Parse(text);
        Assert.True(note.Verify(known, out _, out var problem), problem);
        Assert.True(Checkpoint.TryParse(note.Text, out var checkpoint, out problem), problem);
        return checkpoint;
    }

    private static SignedNote Parse(string text)
    {
        Assert.True(SignedNote.TryParse(Encoding.UTF8.GetBytes(text), out var note, out var problem), problem);
        return note;
    }

    private static string Hundred(int lines)
    {
        var one = Notes.GetProperty("valid").EnumerateArray().ElementAt(1).Text("note");
        var split = one.IndexOf("\n\n", StringComparison.Ordinal) + 2;
        return one[..split] + string.Concat(Enumerable.Repeat(one[split..], lines));
    }
}
