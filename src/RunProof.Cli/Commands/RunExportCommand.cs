using System.Buffers;
using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Verification;

namespace RunProof.Cli;

/// <summary><c>run export</c>: a run's proof as files that <c>verify</c> checks without us.</summary>
internal static class RunExportCommand
{
    private static readonly Argument<string> Id = new("RUN") { Description = "The run's id." };
    private static readonly Option<string?> Output = new("--output") { HelpName = "FILE", Description = "Where it goes. Default: RUN.runproof.json, RUN.step-N.json, RUN.tlog-proof or RUN.intoto.json here." };
    private static readonly Option<string?> Payloads = new("--payloads") { HelpName = "WHICH", Description = "all (default), none, or those of some steps: 0,3,7. The others are withheld: only their commitments are shown." };
    private static readonly Option<string?> Trace = new("--trace") { HelpName = "ID", Description = "Which of the run's traces. Default: the last." };
    private static readonly Option<int?> Step = new("--step") { HelpName = "N", Description = "Show this step alone; of the others there are only hashes." };

    private static readonly Option<string?> Form = new Option<string?>("--format")
    {
        HelpName = "FORMAT",
        Description = "bundle (default); tlog-proof: the log's proof and, beside it, the entry; in-toto: a statement on the run that the log's key signs, in a DSSE envelope.",
    }.AcceptOnly("bundle", "tlog-proof", "in-toto");

    internal static Command Create(World world) =>
        new Command("export", "Write a run's proof to a file that anybody can verify with the log's key: runproof verify FILE --key VKEY.") { Id, Output, Payloads, Trace, Step, Form }
            .Does(world, RunAsync);

    private static async Task<Answer> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var (id, step, form) = (invocation.Get(Id), invocation.Get(Step), invocation.Get(Form) ?? "bundle");
        if (step is not null && form != "bundle")
            throw CommandException.Usage($"a proof in this format is of the whole trace: not --step with --format {form}");
        if (form == "in-toto")
            return await StatementAsync(id, invocation, cancellationToken);
        var isProof = form == "tlog-proof";
        var verifier = Services.Verifier(invocation);
        var path = RunCommands.PathOf(id) + "/bundle" + Listing.Query(("payloads", invocation.Get(Payloads)), ("trace", invocation.Get(Trace)), ("wait", "10"));
        var document = await invocation.World.Terminal.WhileAsync("fetching", () => verifier.GetAsync(path, cancellationToken, TimeSpan.FromSeconds(10)));
        // What is handed on as a proof is at least one of that run, whatever the service sent.
        if (!BundleReader.TryRead(Encoding.UTF8.GetBytes(document.GetRawText()), out var bundle, out var faults))
            throw verifier.NotOurs($"it is no bundle: {faults[0].Place}: {faults[0].Message}");
        if (bundle.Header.RunId.Value != id)
            throw verifier.NotOurs($"it was asked for run {id} and answers with run {bundle.Header.RunId}");
        var files = step is { } index ? [StepFile(bundle, index, invocation)] : isProof ? ProofFiles(bundle, invocation) : [BundleFile(bundle, invocation)];
        foreach (var (file, bytes) in files)
            await OutputFile.WriteAsync(file, bytes, cancellationToken);
        return Written(bundle.Header.RunId, bundle.Header.TraceId, bundle.RootHash, bundle.Log, files);
    }

    /// <summary>The envelope as the service signed it, once it was seen to be one about that run.</summary>
    private static async Task<Answer> StatementAsync(string id, Invocation invocation, CancellationToken cancellationToken)
    {
        if (invocation.Get(Payloads) is not null)
            throw CommandException.Usage("a statement holds no payloads: not --payloads with --format in-toto");
        var verifier = Services.Verifier(invocation);
        var path = RunCommands.PathOf(id) + "/statement" + Listing.Query(("trace", invocation.Get(Trace)), ("wait", "10"));
        var document = await invocation.World.Terminal.WhileAsync("fetching", () => verifier.GetAsync(path, cancellationToken, TimeSpan.FromSeconds(10)));
        if (!DsseEnvelope.TryParse(document, out var envelope, out var problem))
            throw verifier.NotOurs($"it is no envelope: {problem}");
        if (StatementVerifier.Read(envelope.PayloadType, envelope.Payload) is not { } statement)
            throw verifier.NotOurs("its envelope holds no statement on a run");
        // By the key that it names itself: that it is the log's, whoever verifies the file must know from elsewhere.
        var found = FileVerification.Of(EvidenceKind.Envelope, envelope.ToJson(), entry: null, new BundleOptions { TrustedKeys = KeysOf(statement, invocation.World) });
        if (found.Report.Verdict.Status is VerificationStatus.Failed)
            throw verifier.NotOurs($"its statement does not hold: {found.Report.Findings[0].Message}");
        if (statement.RunId.Value != id)
            throw verifier.NotOurs($"it was asked for run {id} and answers with run {statement.RunId}");
        (string File, byte[] Bytes)[] files = [(Name(invocation, ".intoto.json"), envelope.ToJson())];
        await OutputFile.WriteAsync(files[0].File, files[0].Bytes, cancellationToken);
        return Written(statement.RunId, statement.TraceId, statement.RootHash, statement.Log, files);
    }

    private static IReadOnlyList<INoteVerifier> KeysOf(RunStatement statement, World world) =>
        NoteKey.TryParse(statement.Log.PublicKey, out var key, out _) && world.VerifierOf(key) is { } verifier ? [verifier] : [];

    private static (string File, byte[] Bytes) BundleFile(ProofBundle bundle, Invocation invocation)
    {
        var buffer = new ArrayBufferWriter<byte>();
        bundle.Write(buffer);
        return (Name(invocation, ".runproof.json"), buffer.WrittenSpan.ToArray());
    }

    private static (string File, byte[] Bytes) StepFile(ProofBundle bundle, int step, Invocation invocation)
    {
        if (step < 0 || step >= bundle.Steps.Count)
            throw CommandException.Usage(string.Create(CultureInfo.InvariantCulture, $"there is no step {step}: the trace has {bundle.Steps.Count}"));
        var buffer = new ArrayBufferWriter<byte>();
        StepDisclosure.Of(bundle, step).Write(buffer);
        return (Name(invocation, string.Create(CultureInfo.InvariantCulture, $".step-{step}.json")), buffer.WrittenSpan.ToArray());
    }

    private static (string File, byte[] Bytes)[] ProofFiles(ProofBundle bundle, Invocation invocation)
    {
        if (bundle.Log is not { } log)
            throw new CommandException(ExitCode.Unsupported, "not_in_log", "the trace's entry awaits inclusion in the log", "try again in a moment");
        var file = Name(invocation, ".tlog-proof");
        return [(file, Encoding.UTF8.GetBytes(log.Proof)), (file + ".entry", Encoding.UTF8.GetBytes(log.Entry))];
    }

    private static string Name(Invocation invocation, string ending) => invocation.Get(Output) ?? invocation.Get(Id) + ending;

    private static Answer Written(RunId run, TraceId trace, Digest root, BundleLog? place, (string File, byte[] Bytes)[] files)
    {
        var json = new JsonObject
        {
            ["run_id"] = run.Value,
            ["trace_id"] = trace.Value,
            ["root_hash"] = root.ToString(),
            ["in_log"] = place is not null,
            ["public_key"] = place?.PublicKey,
            ["files"] = new JsonArray([.. files.Select(static each => new JsonObject { ["file"] = each.File, ["bytes"] = each.Bytes.Length })]),
        };
        return new Answer(json, page =>
        {
            foreach (var (file, bytes) in files)
                page.Line(string.Create(CultureInfo.InvariantCulture, $"{file}  {bytes.Length} bytes"));
            page.Line(place is { } log
                ? $"the service says that the log's key is {log.PublicKey}: whoever verifies should have it from elsewhere"
                : "the trace's entry awaits inclusion in the log: until it is there, a verifier says UNSUPPORTED");
        });
    }
}
