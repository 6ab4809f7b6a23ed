using System.Net;
using System.Net.Sockets;
using System.Text;
using RunProof.Format;
using RunProof.Keys;

namespace RunProof.Witness.Tests;

/// <summary>The witness's folder and its HTTP interface.</summary>
public sealed class WitnessServing : IDisposable
{
    private static readonly byte[] LogSeed = Enumerable.Repeat((byte)7, 32).ToArray();
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("runproof-witness");
    private readonly CancellationToken _cancel = TestContext.Current.CancellationToken;

    public void Dispose() => _data.Delete(recursive: true);

    [Fact]
    public async Task The_published_sequence_over_HTTP_is_answered_as_the_specification_says()
    {
        var vectors = Vectors.Json("tlog-witness", "add-checkpoint-sequence.json");
        var log = NoteVerifier.Parse(vectors.Text("log_vkey"));
        await using var server = Serve(log);
        foreach (var step in vectors.GetProperty("sequence").EnumerateArray())
        {
            using var answer = await server.PostAsync(step.Text("request_body"));
            var body = await answer.Content.ReadAsStringAsync(_cancel);
            Assert.True(step.GetProperty("status_by_spec_v1_0_0").GetInt32() == (int)answer.StatusCode, $"step {step.GetProperty("step").GetInt32()}: {answer.StatusCode} {body}");
            if (answer.StatusCode == HttpStatusCode.Conflict)
                Assert.Equal(vectors.Text("content_type_409"), answer.Content.Headers.ContentType!.ToString());
            if (answer.StatusCode == HttpStatusCode.OK)
                await IsWhatMonitorsRead(server, log.Key.Name, step.Text("request_body"), body);
        }
    }

    [Fact]
    public async Task Routes_and_methods_that_are_none_are_refused()
    {
        await using var server = Serve(Log());
        foreach (var (method, path, status) in new[]
        {
            (HttpMethod.Get, "add-checkpoint", 405), (HttpMethod.Get, "", 404), (HttpMethod.Get, "nothing", 404), (HttpMethod.Get, "checkpoint", 404), (HttpMethod.Get, WitnessFolder.NameOf("log.test/a") + "/checkpoint", 404),
            (HttpMethod.Get, "..%2f..%2fetc/checkpoint", 404), (HttpMethod.Get, "forks/..%2fx.json", 404), (HttpMethod.Get, "forks/none.json", 404), (HttpMethod.Get, "forks/", 200), (HttpMethod.Head, "forks/", 200), (HttpMethod.Head, "nothing", 404), (HttpMethod.Delete, "forks/", 404), (HttpMethod.Post, "forks/", 404),
        })
        {
            using var answer = await server.Client.SendAsync(new HttpRequestMessage(method, path), _cancel);
            Assert.True(status == (int)answer.StatusCode, $"{method} {path}: {answer.StatusCode}");
        }
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_refused_whether_it_says_so_or_not()
    {
        await using var server = Serve(Log());
        using var announced = await server.PostAsync(new string('x', WitnessServer.MaxBody + 1));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, announced.StatusCode);
        using var chunked = new HttpRequestMessage(HttpMethod.Post, "add-checkpoint") { Content = new StringContent(new string('x', WitnessServer.MaxBody + 1)) };
        chunked.Headers.TransferEncodingChunked = true;
        using var answer = await server.Client.SendAsync(chunked, _cancel);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
    }

    [Fact]
    public async Task A_fork_is_kept_as_a_file_and_exported()
    {
        await using var server = Serve(Log());
        Assert.Equal(200, await server.AddAsync(0, "a"));
        Assert.Equal(422, await server.AddAsync(1, "b"));
        Assert.Equal(422, await server.AddAsync(1, "b"));
        var name = Assert.Single((await server.Client.GetStringAsync("forks/", _cancel)).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        using var document = System.Text.Json.JsonDocument.Parse(await server.Client.GetByteArrayAsync("forks/" + name, _cancel));
        Assert.True(ForkProof.TryParse(document.RootElement, out var proof, out var problem), problem);
        Assert.True(proof.Verify([Log()], out problem), problem);
    }

    [Fact]
    public async Task After_a_restart_it_remembers_and_refuses_to_go_back()
    {
        await using (var first = Serve(Log()))
            Assert.Equal(200, await first.AddAsync(0, "a", "b"));
        await using var second = Serve(Log());
        Assert.Equal(409, await second.AddAsync(0, "a"));
        Assert.Equal(409, await second.AddAsync(0, "a", "c"));
        Assert.Equal(400, await second.AddAsync(2, "a"));
        Assert.Equal(200, await second.AddAsync(2, "a", "b"));
    }

    [Fact]
    public async Task A_damaged_file_stops_the_log_and_is_never_taken_for_none()
    {
        await using var server = Serve(Log());
        Assert.Equal(200, await server.AddAsync(0, "a"));
        var file = Path.Combine(_data.FullName, WitnessFolder.NameOf("log.test/a") + ".checkpoint");
        foreach (var damage in new[] { "", "half a not", File.ReadAllText(file).Replace("log.test/a\n", "log.test/b\n", StringComparison.Ordinal) })
        {
            File.WriteAllText(file, damage);
            Assert.Equal(500, await server.AddAsync(0, "a"));
            Assert.Equal(500, await server.AddAsync(1, "a"));
        }
    }

    [Fact]
    public async Task What_a_crash_left_beside_the_file_is_not_read()
    {
        await using var server = Serve(Log());
        Assert.Equal(200, await server.AddAsync(0, "a"));
        File.WriteAllText(Path.Combine(_data.FullName, WitnessFolder.NameOf("log.test/a") + ".checkpoint.new"), "half");
        Assert.Equal(200, await server.AddAsync(1, "a"));
    }

    [Fact]
    public async Task Two_servers_on_one_folder_cosign_one_history()
    {
        await using var one = Serve(Log());
        await using var two = Serve(Log());
        for (var round = 0; round < 10; round++)
        {
            var name = round.ToString(System.Globalization.CultureInfo.InvariantCulture);
            foreach (var file in _data.GetFiles("*.checkpoint"))
                file.Delete();
            var answers = await Task.WhenAll(one.AddAsync(0, "a" + name), two.AddAsync(0, "b" + name));
            Assert.Equal([200, 409], answers.Order());
        }
    }

    [Fact]
    public async Task A_lock_that_another_process_holds_is_waited_for()
    {
        await using var server = Serve(Log());
        Task<int> asked;
        using (new FileStream(Path.Combine(_data.FullName, WitnessFolder.NameOf("log.test/a") + ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None))
        {
            asked = server.AddAsync(0, "a");
            Assert.NotSame(asked, await Task.WhenAny(asked, Task.Delay(200, _cancel)));
        }

        Assert.Equal(200, await asked);
    }

    [Fact]
    public async Task Bytes_that_are_no_HTTP_end_no_server()
    {
        await using var server = Serve(Log());
        foreach (var bytes in new byte[][] { [0, 1, 2, 255], "GET\r\n\r\n"u8.ToArray(), "POST /add-checkpoint HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n"u8.ToArray(), "POST /add-checkpoint HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nhalf"u8.ToArray(), [.. Enumerable.Repeat((byte)'x', 100_000)] })
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync(IPAddress.Loopback, server.Client.BaseAddress!.Port, _cancel);
            try
            {
                await socket.GetStream().WriteAsync(bytes, _cancel);
            }
            catch (IOException)
            {
                // It hung up in the middle, which is its right.
            }
        }

        Assert.Equal(200, await server.AddAsync(0, "a"));
    }

    private static async Task IsWhatMonitorsRead(Server server, string origin, string request, string cosignature)
    {
        var note = await server.Client.GetStringAsync(WitnessFolder.NameOf(origin) + "/checkpoint", TestContext.Current.CancellationToken);
        Assert.Equal(request[(request.IndexOf("\n\n", StringComparison.Ordinal) + 2)..] + cosignature, note);
        Assert.True(SignedNote.TryParse(Encoding.UTF8.GetBytes(note), out var signed, out _));
        Assert.True(signed.Verify([NoteVerifier.Parse(Signer().ToString())], out _, out var problem), problem);
    }

    private static INoteVerifier Log() => NoteVerifier.Parse(NoteSigner.Create("log.test/a", NoteAlgorithm.Ed25519, LogSeed).ToString());

    private static NoteSigner Signer() => NoteSigner.Create("witness.test/w", NoteAlgorithm.CosignatureV1, new byte[32]);

    private Server Serve(INoteVerifier log)
    {
        var folder = new WitnessFolder(_data.FullName, TimeProvider.System);
        var witness = new LogWitness(new Dictionary<string, IReadOnlyList<INoteVerifier>> { [log.Key.Name] = [log] }, Signer(), folder, TimeProvider.System);
        return new Server(witness, folder);
    }

    private sealed class Server : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly WitnessServer _server;
        private readonly Task _running;

        internal Server(LogWitness witness, WitnessFolder folder)
        {
            var prefix = LocalPort.FreeUrl() + "/";
            _server = new WitnessServer(witness, folder, prefix, TimeProvider.System, static _ => { });
            _running = _server.RunAsync(_stop.Token);
            Client = new HttpClient { BaseAddress = new Uri(prefix) };
        }

        internal HttpClient Client { get; }

        internal Task<HttpResponseMessage> PostAsync(string body) => Client.PostAsync("add-checkpoint", new StringContent(body), TestContext.Current.CancellationToken);

        /// <summary>Asks for a cosignature of a tree of one or two entries.</summary>
        internal async Task<int> AddAsync(long old, params string[] entries)
        {
            Digest[] leaves = [.. entries.Select(static entry => MerkleTree.LeafHash(Encoding.UTF8.GetBytes(entry)))];
            var text = new Checkpoint("log.test/a", leaves.Length, leaves.Length == 1 ? leaves[0] : MerkleTree.NodeHash(leaves[0], leaves[1])).Text;
            var note = new SignedNote(text, [NoteSigner.Create("log.test/a", NoteAlgorithm.Ed25519, LogSeed).Sign(text, default)]);
            using var answer = await PostAsync(new AddCheckpointRequest(old, [], note).ToString());
            return (int)answer.StatusCode;
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running;
            Client.Dispose();
            _server.Dispose();
            _stop.Dispose();
        }
    }
}
