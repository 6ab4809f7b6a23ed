using System.Buffers;
using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Verification;

namespace RunProof.Cli;

/// <summary><c>run export</c>: a run's proof as files that <c>verify</c> checks without us.</summary>
internal static class RunExportCommand
{
    private static readonly Argument<string> Id = new("RUN") { Description = "The run's id." };
    private static readonly Option<string?> Output = new("--output") { HelpName = "FILE", Description = "Where it goes. Default: RUN.runproof.json, RUN.step-N.json or RUN.tlog-proof here." };
    private static readonly Option<string?> Payloads = new("--payloads") { HelpName = "WHICH", Description = "all (default), none, or those of some steps: 0,3,7. The others are withheld: only their commitments are shown." };
    private static readonly Option<string?> Trace = new("--trace") { HelpName = "ID", Description = "Which of the run's traces. Default: the last." };
    private static readonly Option<int?> Step = new("--step") { HelpName = "N", Description = "Show this step alone; of the others there are only hashes." };

    private static readonly Option<string?> Form = new Option<string?>("--format") { HelpName = "FORMAT", Description = "bundle (default), or tlog-proof: the log's proof and, beside it, the entry." }.AcceptOnly("bundle", "tlog-proof");

    internal static Command Create(World world) =>
        new Command("export", "Write a run's proof to a file that anybody can verify with the log's key: runproof verify FILE --key VKEY.") { Id, Output, Payloads, Trace, Step, Form }
            .Does(world, RunAsync);

    private static async Task<Answer> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var (id, step, isProof) = (invocation.Get(Id), invocation.Get(Step), invocation.Get(Form) is "tlog-proof");
        if (step is not null && isProof)
            throw CommandException.Usage("a tlog-proof is of the whole trace: not --step with --format tlog-proof");
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
        return Written(bundle, files);
    }

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

    private static Answer Written(ProofBundle bundle, (string File, byte[] Bytes)[] files)
    {
        var json = new JsonObject
        {
            ["run_id"] = bundle.Header.RunId.Value,
            ["trace_id"] = bundle.Header.TraceId.Value,
            ["root_hash"] = bundle.RootHash.ToString(),
            ["in_log"] = bundle.Log is not null,
            ["public_key"] = bundle.Log?.PublicKey,
            ["files"] = new JsonArray([.. files.Select(static each => new JsonObject { ["file"] = each.File, ["bytes"] = each.Bytes.Length })]),
        };
        return new Answer(json, page =>
        {
            foreach (var (file, bytes) in files)
                page.Line(string.Create(CultureInfo.InvariantCulture, $"{file}  {bytes.Length} bytes"));
            page.Line(bundle.Log is { } log
                ? $"the service says that the log's key is {log.PublicKey}: whoever verifies should have it from elsewhere"
                : "the trace's entry awaits inclusion in the log: until it is there, a verifier says UNSUPPORTED");
        });
    }
}
