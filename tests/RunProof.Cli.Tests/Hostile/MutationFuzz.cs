using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Tiles;
using RunProof.Verification;
using RunProof.Witness;

namespace RunProof.Cli.Tests;

/// <summary>
/// Good files changed at random, into every parser that takes bytes from outside. RUNPROOF_FUZZ_SECONDS says how long in all (6), RUNPROOF_FUZZ_SEED where
/// to begin; a failure names the seed of its one case.
/// </summary>
public sealed class MutationFuzz
{
    /// <summary>A case of some kilobytes that takes longer hangs, even on a loaded machine.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    /// <summary>What a case of some kilobytes may allocate at most.</summary>
    private const long MostMemory = 64 << 20;

    private readonly Seeds _seeds = new();

    public static TheoryData<string> Targets => [.. new MutationFuzz().Parsers().Keys];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Hostile_bytes_give_findings_or_a_clean_refusal(string target)
    {
        var (goods, parse) = Parsers()[target];
        var budget = TimeSpan.FromSeconds(Number("RUNPROOF_FUZZ_SECONDS", 6.0) / Parsers().Count);
        var first = (int)Number("RUNPROOF_FUZZ_SEED", 1);
        var (clock, cases) = (Stopwatch.StartNew(), 0);
        for (var seed = first; clock.Elapsed < budget || cases < 20; seed++, cases++)
        {
            var bytes = new Mutation(new Random(seed)).Of(goods[seed % goods.Count], _seeds.Files);
            Bounded(target, seed, bytes, () => parse(bytes));
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{target}: {cases} cases");
    }

    /// <summary>Found by this fuzz, and looked at in every run since: names that are an escaped lone surrogate, at every depth.</summary>
    [Fact]
    public void A_member_whose_name_is_no_text_is_refused_by_every_reader_of_JSON()
    {
        foreach (var file in _seeds.Files.Where(static file => file[0] == '{').Append(RunStatement.Of(_seeds.Bundle).ToPayload()))
        {
            var text = Encoding.UTF8.GetString(file);
            for (var at = text.IndexOf('{', StringComparison.Ordinal); at >= 0; at = text.IndexOf('{', at + 1))
            {
                var bytes = Encoding.UTF8.GetBytes(text.Insert(at + 1, "\"\\ud800\":1,"));
                foreach (var (_, (_, parse)) in Parsers())
                    parse(bytes);
            }
        }
    }

    /// <summary>What is still verified says the same as the good file did.</summary>
    private void Files(byte[] bytes)
    {
        EvidenceKind kind;
        FileVerification found;
        try
        {
            kind = EvidenceFile.Recognise("f", bytes);
            found = FileVerification.Of(kind, bytes, _seeds.Entry, _seeds.Options);
        }
        catch (CommandException refused)
        {
            Assert.Equal(ExitCode.Usage, refused.ExitCode);
            return;
        }

        if (found.Report.Verdict.Status is not VerificationStatus.Verified)
        {
            Assert.NotEmpty(found.Report.Findings);
            return;
        }

        switch (found.Report)
        {
            case BundleReport report:
                Assert.Equal(Same(_seeds.Bundle.Write, _seeds.Bundle.Payloads.Count, report.Bundle!.Payloads.Count), Text(report.Bundle.Write));
                break;
            case StepReport report:
                Assert.Equal(Encoding.UTF8.GetString(_seeds.Step), Text(report.File!.Write));
                break;
            case StatementReport report:
                Assert.Equal(Text(RunStatement.Of(_seeds.Bundle).Write), Text(report.Statement!.Write));
                break;
            case LogFileReport report when kind is EvidenceKind.ForkProof:
                Assert.Contains(report.Checkpoint!.Text, (string[])[_seeds.Fork.Older.Text, _seeds.Fork.Newer.Text]);
                break;
            case LogFileReport report:
                Assert.Equal(_seeds.Checkpoint.Text, report.Checkpoint!.Text);
                break;
        }
    }

    // Nothing may be verified that reveals another number of payloads, unless those are whole payloads of the same bundle.
    private string Same(Action<IBufferWriter<byte>> write, int before, int now)
    {
        Assert.Equal(before, now);
        return Text(write);
    }

    private Dictionary<string, (IReadOnlyList<byte[]> Goods, Action<byte[]> Parse)> Parsers() => new(StringComparer.Ordinal)
    {
        ["verify"] = (_seeds.Files, Files),
        ["bundle"] = ([_seeds.Whole], bytes => BundleVerifier.Verify(bytes, _seeds.Options)),
        ["step"] = ([_seeds.Step], bytes => StepFileVerifier.Verify(bytes, _seeds.Options)),
        ["statement"] = ([RunStatement.Of(_seeds.Bundle).ToPayload()], bytes => StatementVerifier.Verify(RunStatement.PayloadType, bytes, new EnvelopeSigners([]), _seeds.Options)),
        ["note"] = ([Encoding.UTF8.GetBytes(_seeds.Checkpoint.ToString())], Note),
        ["tlog-proof"] = ([Encoding.UTF8.GetBytes(_seeds.Proof)], bytes => LogFiles.VerifyEntry(Encoding.UTF8.GetString(bytes), _seeds.Entry, _seeds.Options)),
        ["policy"] = ([Encoding.UTF8.GetBytes(_seeds.Policy)], Policy),
        ["witness request"] = ([Encoding.UTF8.GetBytes(_seeds.Request.ToString())], Request),
        ["dsse"] = ([_seeds.Envelope], bytes => Json(bytes, static json => DsseEnvelope.TryParse(json, out _, out _))),
        ["fork proof"] = ([_seeds.Fork.ToJson()], bytes => Json(bytes, static json => ForkProof.TryParse(json, out _, out _))),
        ["entry bundle"] = ([_seeds.EntryTile], EntryTile),
        ["tile"] = ([_seeds.HashTileBytes], static bytes => HashTile.TryParse(bytes, bytes.Length / 32, out _)),
        ["tile path"] = ([Encoding.UTF8.GetBytes("tile/0/x001/067.p/8"), Encoding.UTF8.GetBytes("tile/entries/x123/x456/789")], TilePath),
        ["vkey"] = ([Encoding.UTF8.GetBytes(_seeds.Options.TrustedKeys[0].Key.ToString())], Key),
    };

    private void Note(byte[] bytes)
    {
        if (!SignedNote.TryParse(bytes, out var note, out _))
            return;
        Assert.Equal(Encoding.UTF8.GetString(bytes), note.ToString());
        note.Verify(_seeds.Options.TrustedKeys, out _, out _);
        if (Checkpoint.TryParse(note.Text, out var checkpoint, out _))
            Assert.Equal(note.Text, checkpoint.Text);
    }

    private void Policy(byte[] bytes)
    {
        if (WitnessPolicy.TryParse(bytes, out var policy, out var problem))
            policy.Verify(_seeds.Checkpoint, out _, out _);
        else
            Assert.NotEqual("", problem);
    }

    private void Request(byte[] bytes)
    {
        if (AddCheckpointRequest.TryParse(bytes, out var request, out _, out _))
            Assert.Equal(Encoding.UTF8.GetString(bytes), request.ToString());
        var witness = new LogWitness(_seeds.Options.TrustedKeys.ToDictionary(static key => key.Key.Name, static IReadOnlyList<INoteVerifier> (key) => [key], StringComparer.Ordinal), NoteSigner.Create("w", NoteAlgorithm.CosignatureV1, new byte[32]), new NoStore(), TimeProvider.System);
        var answer = witness.AddCheckpointAsync(bytes, CancellationToken.None).AsTask().GetAwaiter().GetResult();
        Assert.Contains(answer.Status, (int[])[200, 400, 403, 404, 409, 422]);
    }

    private static void EntryTile(byte[] bytes)
    {
        for (var width = 0; width < 4; width++)
        {
            if (!EntryBundle.TryParse(bytes, width, out var entries))
                continue;
            var again = new ArrayBufferWriter<byte>();
            foreach (var entry in entries)
                EntryBundle.Append(again, entry.Span);
            Assert.Equal(bytes, again.WrittenSpan.ToArray());
        }
    }

    private static void TilePath(byte[] bytes)
    {
        var path = Encoding.UTF8.GetString(bytes);
        if (TileAddress.TryParse(path, out var address))
            Assert.Equal(path, address.Path);
    }

    private static void Key(byte[] bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        if (NoteKey.TryParse(text, out var key, out _))
        {
            Assert.Equal(text, key.ToString());
            NoteVerifier.TryCreate(key, out _, out _);
        }

        Assert.ThrowsAny<FormatException>(() => NoteSigner.Parse(text));
    }

    private static void Json(byte[] bytes, Action<JsonElement> parse)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes);
            parse(document.RootElement);
        }
        catch (JsonException)
        {
            // No JSON is the caller's to say.
        }
    }

    private static void Bounded(string target, int seed, byte[] bytes, Action parse)
    {
        var (clock, before) = (Stopwatch.StartNew(), GC.GetAllocatedBytesForCurrentThread());
        try
        {
            parse();
        }
        catch (Exception e)
        {
            Assert.Fail($"{target}, RUNPROOF_FUZZ_SEED={seed.ToString(CultureInfo.InvariantCulture)}: {e}\n{Convert.ToBase64String(bytes)}");
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(clock.Elapsed < Longest && allocated < MostMemory, $"{target}, RUNPROOF_FUZZ_SEED={seed}: {bytes.Length} bytes took {clock.Elapsed} and {allocated} bytes of memory");
    }

    private static double Number(string variable, double otherwise) =>
        double.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : otherwise;

    private static string Text(Action<IBufferWriter<byte>> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        write(buffer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private sealed class NoStore : IWitnessStore
    {
        public ValueTask<WitnessedHead?> ReadAsync(string origin, CancellationToken cancellationToken) => default;

        public ValueTask<bool> TryAdvanceAsync(string origin, WitnessedHead? expected, WitnessedHead next, CancellationToken cancellationToken) => new(true);

        public ValueTask KeepForkAsync(string origin, ForkProof proof, CancellationToken cancellationToken) => default;
    }
}
