using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Tiles;
using RunProof.Verification;
using RunProof.Witness;

namespace RunProof.Cli.Tests;

/// <summary>What holds of any note, proof, tile and file.</summary>
public sealed class LogProperties
{
    private static readonly Gen<Digest> Digests = Gen.Choose(0, int.MaxValue).Select(static n => MerkleTree.LeafHash(BitConverter.GetBytes(n)));

    [Fact]
    public void Any_bytes_are_answered_by_every_verifier() => Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), static bytes =>
    {
        var options = new BundleOptions();
        return BundleVerifier.Verify(bytes, options).Verdict.Status is VerificationStatus.Failed
            && StepFileVerifier.Verify(bytes, options).Verdict.Status is VerificationStatus.Failed
            && StatementVerifier.Verify(RunStatement.PayloadType, bytes, new EnvelopeSigners([]), options).Verdict.Status is not VerificationStatus.Verified
            && LogFiles.VerifyCheckpoint(bytes, options).Verdict.Status is VerificationStatus.Failed
            && LogFiles.VerifyEntry(Encoding.UTF8.GetString(bytes), bytes, options).Verdict.Status is VerificationStatus.Failed;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_text_in_JSON_gives_findings_or_a_refusal() => Prop.ForAll(ArbMap.Default.ArbFor<string>(), static text =>
    {
        foreach (var file in new[] { "{\"format\":\"runproof/v1\",\"x\":", "{\"format\":\"runproof-step/v1\",\"x\":", "{\"format\":\"runproof-fork/v1\",\"x\":", "{\"payloadType\":\"t\",\"signatures\":[],\"x\":" })
        {
            try
            {
                var bytes = Encoding.UTF8.GetBytes(file + System.Text.Json.JsonSerializer.Serialize(text) + "}");
                var found = FileVerification.Of(EvidenceFile.Recognise("f", bytes), bytes, null, new BundleOptions());
                Assert.Equal(VerificationStatus.Failed, found.Report.Verdict.Status);
            }
            catch (CommandException refused)
            {
                Assert.Equal(ExitCode.Usage, refused.ExitCode);
            }
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_proof_is_read_as_it_was_written() => Prop.ForAll(Arb.From(Gen.Choose(0, int.MaxValue)), Arb.From(Gen.ListOf(Digests)), static (index, path) =>
    {
        var signer = NoteSigner.Create("log.test/a", NoteAlgorithm.Ed25519, new byte[32]);
        var text = new Checkpoint("log.test/a", index + 1L, MerkleTree.EmptyRoot).Text;
        var proof = new TlogProof(index, [.. path.Take(TlogProof.MaxPath)], new SignedNote(text, [signer.Sign(text, default)]));
        Assert.True(TlogProof.TryParse(proof.ToString(), out var read, out var problem), problem);
        Assert.Equal(proof.ToString(), read.ToString());
        var request = new AddCheckpointRequest(index, [.. path.Take(AddCheckpointRequest.MaxProof)], proof.Checkpoint);
        Assert.True(AddCheckpointRequest.TryParse(Encoding.UTF8.GetBytes(request.ToString()), out var asked, out _, out problem), problem);
        Assert.Equal(request.ToString(), asked.ToString());
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Entries_and_tiles_are_read_as_they_were_written() => Prop.ForAll(ArbMap.Default.ArbFor<byte[][]>(), Arb.From(Gen.NonEmptyListOf(Digests)), static (entries, hashes) =>
    {
        var buffer = new ArrayBufferWriter<byte>();
        foreach (var entry in entries)
            EntryBundle.Append(buffer, entry);
        Assert.True(EntryBundle.TryParse(buffer.WrittenMemory, entries.Length, out var read));
        Assert.Equal(entries, read.Select(static entry => entry.ToArray()));
        Digest[] tile = [.. hashes.Take(TileAddress.FullWidth)];
        Assert.True(HashTile.TryParse(HashTile.Format(tile), tile.Length, out var again));
        Assert.Equal(tile, again);
        Assert.False(HashTile.TryParse(HashTile.Format(tile), tile.Length + 1, out _));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_tiles_path_is_read_as_it_was_written() => Prop.ForAll(Arb.From(Gen.Choose(0, int.MaxValue)), Arb.From(Gen.Choose(0, 63)), Arb.From(Gen.Choose(1, 256)), static (index, level, width) =>
    {
        var address = new TileAddress(TileKind.Hashes, level, (long)index * index, width);
        Assert.True(TileAddress.TryParse(address.Path, out var read), address.Path);
        Assert.Equal(address, read);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_payload_of_any_text_is_what_a_folder_gives_back() => Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), static text =>
    {
        if (text.Get.Any(char.IsSurrogate))
            return;
        using var folder = new TestFolder();
        var commitment = Commitment.To(new byte[Commitment.SaltLength], Encoding.UTF8.GetBytes(text.Get));
        folder.Write(commitment + ".json", System.Text.Json.JsonSerializer.Serialize(new { salt = Convert.ToBase64String(new byte[Commitment.SaltLength]), text = text.Get }));
        Assert.Equal(text.Get, PayloadFolder.Open(folder.Root)(commitment)?.Text);
    }).QuickCheckThrowOnFailure();
}
