using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Witness;

namespace RunProof.Cli;

/// <summary><c>witness</c>: a small witness that others run on their own machine.</summary>
internal static class WitnessCommands
{
    private static readonly Option<string> Name = new("--name") { Required = true, HelpName = "NAME", Description = "The witness's name in its cosignatures, a schema-less URL of yours: witness.example/w1." };
    private static readonly Option<string> KeyFile = new("--key-file") { Required = true, HelpName = "FILE", Description = "The private key. It is made with mode 0600, and refused where others may read it." };
    private static readonly Option<string> Logs = new("--logs") { Required = true, HelpName = "FILE", Description = "The logs to watch: <vkey> [origin] a line, or a tlog-policy." };
    private static readonly Option<string> Data = new("--data") { Required = true, HelpName = "DIR", Description = "What it must never forget: the last checkpoint of each log, and proofs of forks under forks/. Never restore it from a backup." };

    private static readonly Option<string> Listen = new("--listen")
    {
        HelpName = "URL", Description = "Where it listens, by the very host that callers ask for; a star is every host and address: http://*:8787/. TLS is a proxy's in front of it.", DefaultValueFactory = static _ => "http://127.0.0.1:8787/",
    };

    internal static Command Create(World world) => new("witness", "Witness logs: cosign checkpoints that continue what was seen, and nothing else.")
    {
        new Command("key", "Make a witness's private key and print its verifier key, which goes into policies.") { Name, KeyFile }.Does(world, (invocation, _) => Task.FromResult(MakeKey(invocation))),
        new Command("serve", "Serve the witness (C2SP tlog-witness): POST add-checkpoint, GET <hex SHA-256 of the origin>/checkpoint, GET forks/. Bodies of at most a million bytes.") { KeyFile, Logs, Data, Listen }
            .Does(world, ServeAsync),
    };

    private static Answer MakeKey(Invocation invocation)
    {
        Span<byte> seed = stackalloc byte[Ed25519.KeyLength];
        invocation.World.Randomness(seed);
        try
        {
            var signer = NoteSigner.Create(invocation.Get(Name)!, NoteAlgorithm.CosignatureV1, seed);
            PrivateKeyFile.Create(invocation.Get(KeyFile)!, signer);
            return new Answer(new JsonObject { ["vkey"] = signer.ToString(), ["key_file"] = invocation.Get(KeyFile) }, page => page.Line(signer.ToString()));
        }
        catch (ArgumentException problem)
        {
            throw CommandException.Usage($"--name: {problem.Message}");
        }
        catch (PlatformNotSupportedException problem)
        {
            throw new CommandException(ExitCode.Error, "unsupported", problem.Message);
        }
        finally
        {
            seed.Clear();
        }
    }

    private static async Task<Answer> ServeAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var (world, data, listen) = (invocation.World, invocation.Get(Data)!, invocation.Get(Listen)!);
        var signer = await PrivateKeyFile.ReadAsync(invocation.Get(KeyFile)!, world, cancellationToken);
        if (signer.Key.Algorithm is not NoteAlgorithm.CosignatureV1)
            throw CommandException.Usage($"{invocation.Get(KeyFile)} is the key of a log, and a witness has one of its own", "runproof witness key makes one");
        var logs = await WitnessedLogs.ReadAsync(invocation.Get(Logs)!, world, cancellationToken);
        try
        {
            var folder = new WitnessFolder(data, world.Clock);
            using var server = new WitnessServer(new LogWitness(logs, signer, folder, world.Clock), folder, listen, world.Clock, line => Tell(world, line));
            Tell(world, string.Create(CultureInfo.InvariantCulture, $"{signer.Key} witnesses {logs.Count} logs on {listen}, remembers them in {data}"));
            await server.RunAsync(cancellationToken);
        }
        catch (HttpListenerException problem)
        {
            throw new CommandException(ExitCode.Error, "cannot_listen", $"cannot listen on {listen}: {problem.Message}");
        }
        catch (ArgumentException problem)
        {
            throw CommandException.Usage($"--listen {listen}: {problem.Message}", "for example http://127.0.0.1:8787/");
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.Error, "data_folder", $"cannot use {data}: {problem.Message}");
        }

        return new Answer(new JsonObject { ["stopped"] = true }, static page => page.Line("stopped"));
    }

    private static void Tell(World world, string line)
    {
        lock (world.Terminal)
            world.Terminal.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{world.Clock.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss'Z'} {Printable.Of(line)}"));
    }
}
