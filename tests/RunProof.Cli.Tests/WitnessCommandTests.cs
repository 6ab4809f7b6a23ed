using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Witness;

namespace RunProof.Cli.Tests;

/// <summary><c>witness key</c> and <c>witness serve</c>, killed between requests.</summary>
public sealed class WitnessCommandTests : IDisposable
{
    private static readonly NoteSigner Log = NoteSigner.Create("log.test/a", NoteAlgorithm.Ed25519, new byte[32]);
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_key_is_made_for_its_owner_alone_and_never_written_over()
    {
        var file = Path.Combine(_folder.Root, "w.key");
        var result = await CliInside.RunAsync(["witness", "key", "--name", "witness.test/w", "--key-file", file]);
        Assert.Equal(0, result.ExitCode);
        Assert.True(NoteKey.TryParse(result.Output.TrimEnd('\n'), out var key, out _));
        Assert.Equal((NoteAlgorithm.CosignatureV1, "witness.test/w"), (key.Algorithm, key.Name));
        Assert.Equal(key, NoteSigner.Parse(File.ReadAllText(file)).Key);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        var before = File.ReadAllText(file);
        Assert.Equal(2, (await CliInside.RunAsync(["witness", "key", "--name", "witness.test/w", "--key-file", file])).ExitCode);
        Assert.Equal(before, File.ReadAllText(file));
        Assert.Equal(2, (await CliInside.RunAsync(["witness", "key", "--name", "a name", "--key-file", file + "2"])).ExitCode);
    }

    [Fact]
    public async Task What_it_cannot_be_served_with_is_refused_before_it_listens()
    {
        var (key, logs) = (await KeyAsync(), _folder.Write("logs", Log.Key + "\n"));
        var logKey = _folder.Write("log.key", Log.ToPrivateText());
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(logKey, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        foreach (var (args, complaint) in new (string[], string)[]
        {
            (["--key-file", key, "--logs", _folder.Write("none", "# none\n")], "names no log"), (["--key-file", key, "--logs", _folder.Write("bad", "nonsense\n")], "line 1"), (["--key-file", logKey, "--logs", logs], "is the key of a log"),
            (["--key-file", _folder.Write("text", "x"), "--logs", logs], OperatingSystem.IsWindows() ? "a private key is" : "others than its owner"), (["--key-file", key, "--logs", logs, "--listen", "nonsense"], "--listen nonsense"),
        })
        {
            var result = await CliInside.RunAsync(["witness", "serve", "--data", Path.Combine(_folder.Root, "data"), .. args]);
            Assert.True(result.ExitCode == 2 && result.Error.Contains(complaint, StringComparison.Ordinal), $"{complaint}: {result.ExitCode} {result.Error}");
        }
    }

    [Fact]
    public async Task Killed_between_requests_it_has_forgotten_nothing_and_refuses_to_go_back()
    {
        var key = await KeyAsync();
        for (var size = 1; size <= 3; size++)
        {
            using var witness = await StartAsync(key);
            // The head before, found out as a log does: by asking.
            if (size > 1)
                Assert.Equal((409, $"{size - 1}\n"), await witness.AddAsync(0, size));
            Assert.Equal(200, (await witness.AddAsync(size - 1, size)).Status);
            witness.Kill();
        }

        using var last = await StartAsync(key);
        Assert.Equal((409, "3\n"), await last.AddAsync(1, 2));
        Assert.Equal(422, (await last.AddAsync(3, 3, "another history")).Status);
        Assert.Single(Directory.GetFiles(Path.Combine(_folder.Root, "data", "forks")));
        var proof = Directory.GetFiles(Path.Combine(_folder.Root, "data", "forks"))[0];
        Assert.Equal(0, (await CliInside.RunAsync(["verify", proof, "--key", Log.ToString()])).ExitCode);
    }

    [Fact]
    public async Task Two_processes_on_one_folder_cosign_one_history()
    {
        var key = await KeyAsync();
        using var one = await StartAsync(key);
        using var two = await StartAsync(key);
        for (var size = 1; size <= 4; size++)
        {
            var answers = await Task.WhenAll(one.AddAsync(size - 1, size), two.AddAsync(size - 1, size));
            // The second may find the very same head there: it is asked about size - 1 and has size.
            Assert.Equal([200, 409], answers.Select(static answer => answer.Status).Order());
        }
    }

    private async Task<string> KeyAsync()
    {
        var file = Path.Combine(_folder.Root, "w.key");
        Assert.Equal(0, (await CliInside.RunAsync(["witness", "key", "--name", "witness.test/w", "--key-file", file])).ExitCode);
        return file;
    }

    // A port that was free may be taken by the time that the witness asks for it: then it ends, and another is tried.
    private async Task<Served> StartAsync(string key)
    {
        for (var tries = 1; ; tries++)
        {
            var served = Begin(key);
            if (await served.IsReadyAsync())
                return served;
            served.Dispose();
            Assert.True(tries < 5, "the witness does not listen");
        }
    }

    private Served Begin(string key)
    {
        var url = LocalPort.FreeUrl() + "/";
        var logs = _folder.Write("logs", Log.Key + "\n");
        var process = CliProcess.Start(["witness", "serve", "--key-file", key, "--logs", logs, "--data", Path.Combine(_folder.Root, "data"), "--listen", url], []);
        return new Served(process, url);
    }

    private sealed class Served(Process process, string url) : IDisposable
    {
        private readonly HttpClient _client = new() { BaseAddress = new Uri(url) };

        /// <summary>False where it has ended instead.</summary>
        internal async Task<bool> IsReadyAsync()
        {
            // It says what it is before it listens; then a connection is refused for an instant at most.
            Assert.Contains("witnesses 1 logs", await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken) ?? "", StringComparison.Ordinal);
            _ = process.StandardError.ReadToEndAsync();
            for (var round = 0; ; round++)
            {
                try
                {
                    (await _client.GetAsync("forks/", TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
                    return true;
                }
                catch (HttpRequestException) when (process.HasExited)
                {
                    return false;
                }
                catch (HttpRequestException) when (round < 1500)
                {
                    await Task.Delay(20, TestContext.Current.CancellationToken);
                }
            }
        }

        internal async Task<(int Status, string Body)> AddAsync(int old, int size, string history = "entry")
        {
            Digest[] leaves = [.. Enumerable.Range(0, size).Select(i => MerkleTree.LeafHash(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{history} {i}"))))];
            Digest HashOf(Tiles.TreeNode node) => node.Level == 0 ? leaves[node.Index] : MerkleTree.NodeHash(HashOf(new Tiles.TreeNode(node.Level - 1, 2 * node.Index)), HashOf(new Tiles.TreeNode(node.Level - 1, (2 * node.Index) + 1)));
            var checkpoint = new Checkpoint(Log.Key.Name, size, new Tiles.TreeRange(0, size).Hash(HashOf));
            var path = Tiles.TreeRange.OfConsistency(old, size).Select(range => range.Hash(HashOf)).ToList();
            var request = new AddCheckpointRequest(old, path, new SignedNote(checkpoint.Text, [Log.Sign(checkpoint.Text, default)]));
            using var answer = await _client.PostAsync("add-checkpoint", new StringContent(request.ToString()), TestContext.Current.CancellationToken);
            return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }

        // SIGKILL: no handler of ours runs.
        internal void Kill()
        {
            process.Kill();
            process.WaitForExit();
        }

        public void Dispose()
        {
            if (!process.HasExited)
                Kill();
            process.Dispose();
            _client.Dispose();
        }
    }
}
