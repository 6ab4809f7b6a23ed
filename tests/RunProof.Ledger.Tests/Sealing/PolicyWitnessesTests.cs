using System.Net;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Testing;
using RunProof.Witness;

namespace RunProof.Ledger.Tests;

/// <summary>A log and real witnesses of it; only the network between them is in memory.</summary>
public sealed class PolicyWitnessesTests
{
    private const string Origin = "test.example/acme";

    [Fact]
    public async Task Every_checkpoint_that_is_published_continues_what_the_witnesses_saw()
    {
        var desk = new Desk(witnesses: 2, "all");
        for (var round = 0; round < 4; round++)
        {
            await desk.Log.RecordAsync(round * 150, 150);
            await SealingFaults.DrainAsync(desk.Sealer(), desk.Log.Tenant);
            await desk.AssertPublishedAsync(["w0", "w1"], 300 * (round + 1));
        }
    }

    [Fact]
    public async Task A_service_that_starts_again_learns_what_the_witnesses_saw()
    {
        var desk = new Desk(witnesses: 1, "all");
        await desk.Log.RecordAsync(0, 3);
        await SealingFaults.DrainAsync(desk.Sealer(), desk.Log.Tenant);
        await desk.Log.RecordAsync(3, 5);
        desk.Forget();
        await SealingFaults.DrainAsync(desk.Sealer(), desk.Log.Tenant);
        await desk.AssertPublishedAsync(["w0"], 16);
        Assert.Equal(3, desk.Requests);
    }

    [Theory]
    [InlineData(Trouble.Down)]
    [InlineData(Trouble.Slow)]
    [InlineData(Trouble.SignsSomethingElse)]
    [InlineData(Trouble.Refuses)]
    [InlineData(Trouble.Babbles)]
    [InlineData(Trouble.NamesAnotherSizeEachTime)]
    public async Task A_checkpoint_without_its_quorum_is_withheld_until_it_has_one(Trouble trouble)
    {
        var desk = new Desk(witnesses: 2, "all");
        await desk.Log.RecordAsync(0, 1);
        await SealingFaults.DrainAsync(desk.Sealer(), desk.Log.Tenant);
        desk.Troubles["w1"] = trouble;
        await desk.Log.RecordAsync(1, 1);
        Assert.False(await SealingFaults.SealAndPublishAsync(desk.Sealer(), desk.Log.Tenant));
        await desk.AssertPublishedAsync(["w0", "w1"], 2);
        desk.Troubles.Clear();
        Assert.True(await SealingFaults.SealAndPublishAsync(desk.Sealer(), desk.Log.Tenant));
        await desk.AssertPublishedAsync(["w0", "w1"], 4);
    }

    [Fact]
    public async Task A_quorum_does_without_the_others()
    {
        var desk = new Desk(witnesses: 3, "2");
        desk.Troubles["w1"] = Trouble.Slow;
        await desk.Log.RecordAsync(0, 1);
        Assert.True(await SealingFaults.SealAndPublishAsync(desk.Sealer(), desk.Log.Tenant));
        await desk.AssertPublishedAsync(["w0", "w2"], 2);
    }

    [Fact]
    public async Task A_log_grows_while_a_witness_takes_its_time_and_what_it_then_cosigned_is_published()
    {
        var desk = new Desk(witnesses: 1, "all") { Options = SealingFaults.Options with { WitnessTimeout = TimeSpan.FromMinutes(10) } };
        var sealer = desk.Sealer();
        await desk.Log.RecordAsync(0, 2);
        await sealer.SealAsync(desk.Log.Tenant, default);
        desk.Gate = new TaskCompletionSource();
        var slow = sealer.PublishAsync(desk.Log.Tenant, default);
        for (var round = 1; round <= 3; round++)
        {
            await desk.Log.RecordAsync(2 * round, 2);
            Assert.Equal(4, (await sealer.SealAsync(desk.Log.Tenant, default)).Entered);
        }

        Assert.False(slow.IsCompleted);
        desk.Gate.SetResult();
        Assert.True(await slow);
        await desk.AssertPublishedAsync(["w0"], 4);
        Assert.True(await sealer.PublishAsync(desk.Log.Tenant, default));
        await desk.AssertPublishedAsync(["w0"], 16);
    }

    [Fact]
    public async Task A_witness_that_is_slow_is_not_waited_for_once_the_others_are_enough()
    {
        var desk = new Desk(witnesses: 3, "2") { Options = SealingFaults.Options with { WitnessTimeout = TimeSpan.FromMinutes(10) } };
        desk.Troubles["w1"] = Trouble.Slow;
        await desk.Log.RecordAsync(0, 1);
        Assert.True(await SealingFaults.SealAndPublishAsync(desk.Sealer(), desk.Log.Tenant).WaitAsync(TimeSpan.FromMinutes(1)));
        await desk.AssertPublishedAsync(["w0", "w2"], 2);
    }

    [Fact]
    public async Task Where_the_operator_says_so_a_checkpoint_is_published_with_who_there_is()
    {
        var desk = new Desk(witnesses: 2, "all") { Options = SealingFaults.Options with { WitnessTimeout = TimeSpan.FromMilliseconds(300), OnMissingQuorum = MissingQuorum.Mark } };
        desk.Troubles["w0"] = Trouble.Down;
        await desk.Log.RecordAsync(0, 1);
        Assert.True(await SealingFaults.SealAndPublishAsync(desk.Sealer(), desk.Log.Tenant));
        await desk.AssertPublishedAsync(["w1"], 2, isQuorum: false);
    }

    [Fact]
    public async Task A_log_that_was_restored_from_a_copy_is_not_published()
    {
        var desk = new Desk(witnesses: 1, "all");
        await desk.Log.RecordAsync(0, 4);
        await SealingFaults.DrainAsync(desk.Sealer(), desk.Log.Tenant);
        var restored = new Desk(desk);
        await restored.Log.RecordAsync(10, 1);
        Assert.False(await SealingFaults.SealAndPublishAsync(restored.Sealer(), restored.Log.Tenant));
        await restored.Log.RecordAsync(11, 9);
        Assert.False(await SealingFaults.SealAndPublishAsync(restored.Sealer(), restored.Log.Tenant));
        Assert.Null((await restored.Log.FindAsync(restored.Log.Tenant, default))!.Published);
    }

    public enum Trouble
    {
        Down,
        Slow,
        SignsSomethingElse,
        Refuses,
        Babbles,
        NamesAnotherSizeEachTime,
    }

    private sealed class Desk
    {
        private readonly Dictionary<string, LogWitness> _witnesses;
        private readonly WitnessPolicy _policy;
        private PolicyWitnesses? _client;

        internal Desk(int witnesses, string quorum)
        {
            var signers = Enumerable.Range(0, witnesses).Select(n => NoteSigner.Create($"w{n}.example", NoteAlgorithm.CosignatureV1, [.. Enumerable.Repeat((byte)(20 + n), 32)])).ToList();
            var logs = new Dictionary<string, IReadOnlyList<INoteVerifier>> { [Origin] = [SealingFaults.Verifier(SealingFaults.Key, Origin)] };
            _witnesses = signers.Select((signer, n) => (Name: $"w{n}", Witness: new LogWitness(logs, signer, new MemoryStore(), TimeProvider.System))).ToDictionary(each => each.Name, each => each.Witness);
            var text = $"log {SealingFaults.Key.Under(Origin)}\n" + string.Concat(signers.Select((signer, n) => $"witness w{n} {signer} http://w{n}.test/sub/\n"))
                + $"group g {quorum} {string.Join(' ', _witnesses.Keys)}\nquorum g\n";
            Assert.True(WitnessPolicy.TryParse(Encoding.UTF8.GetBytes(text), out var policy, out var problem), problem);
            _policy = policy;
        }

        internal Desk(Desk other) => (_witnesses, _policy) = (other._witnesses, other._policy);

        internal InMemoryLog Log { get; } = new();

        internal Dictionary<string, Trouble> Troubles { get; } = new(StringComparer.Ordinal);

        internal LogOptions Options { get; init; } = SealingFaults.Options with { WitnessTimeout = TimeSpan.FromSeconds(1) };

        internal int Requests { get; private set; }

        /// <summary>Until it opens, no witness answers.</summary>
        internal TaskCompletionSource? Gate { get; set; }

        internal LogSealer Sealer()
        {
            _client ??= new PolicyWitnesses(_policy, Log, new HttpClient(new Network(this)), Options, TimeProvider.System, NullLogger<PolicyWitnesses>.Instance);
            return SealingFaults.Sealer(Log, Log, witnesses: _client, options: Options);
        }

        internal void Forget() => _client = null;

        internal async Task AssertPublishedAsync(string[] cosigners, long size, bool isQuorum = true)
        {
            var published = (await Log.FindAsync(Log.Tenant, default))!.Published!;
            Assert.True(SignedNote.TryParse(Encoding.UTF8.GetBytes(published), out var note, out var problem), problem);
            Assert.True(Checkpoint.TryParse(note.Text, out var checkpoint, out problem), problem);
            Assert.Equal(size, checkpoint.Size);
            Assert.Equal(isQuorum, _policy.Verify(note, out var found, out problem));
            Assert.Equal(cosigners, found);
        }

        private sealed class Network(Desk desk) : HttpMessageHandler
        {
            protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
            {
                desk.Requests++;
                if (desk.Gate is { } gate)
                    await gate.Task.WaitAsync(cancellationToken);
                Assert.Equal("/sub/add-checkpoint", request.RequestUri!.AbsolutePath);
                var name = request.RequestUri.Host.Split('.')[0];
                if (desk.Troubles.TryGetValue(name, out var trouble))
                    return await TroubleAsync(trouble, cancellationToken);
                var answer = await desk._witnesses[name].AddCheckpointAsync(await request.Content!.ReadAsByteArrayAsync(cancellationToken), cancellationToken);
                return new HttpResponseMessage((HttpStatusCode)answer.Status) { Content = new StringContent(answer.Body) };
            }

            private async Task<HttpResponseMessage> TroubleAsync(Trouble trouble, CancellationToken cancellationToken)
            {
                switch (trouble)
                {
                    case Trouble.Down:
                        throw new HttpRequestException("connection refused");
                    case Trouble.Slow:
                        await Task.Delay(Timeout.Infinite, cancellationToken);
                        return null!;
                    case Trouble.SignsSomethingElse:
                        var other = NoteSigner.Create("w1.example", NoteAlgorithm.CosignatureV1, [.. Enumerable.Repeat((byte)21, 32)]).Sign("something else\n", DateTimeOffset.UnixEpoch.AddYears(50));
                        return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(other.ToString()) };
                    case Trouble.Refuses:
                        return new HttpResponseMessage(HttpStatusCode.Forbidden) { Content = new StringContent("no") };
                    case Trouble.Babbles:
                        return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("\n\n— x\n") };
                    default:
                        return new HttpResponseMessage(HttpStatusCode.Conflict) { Content = new StringContent($"{desk.Requests % 2}\n") };
                }
            }
        }
    }

    private sealed class MemoryStore : IWitnessStore
    {
        private readonly Dictionary<string, WitnessedHead> _heads = new(StringComparer.Ordinal);

        public ValueTask<WitnessedHead?> ReadAsync(string origin, CancellationToken cancellationToken) => new(_heads.GetValueOrDefault(origin));

        public ValueTask<bool> TryAdvanceAsync(string origin, WitnessedHead? expected, WitnessedHead next, CancellationToken cancellationToken)
        {
            _heads[origin] = next;
            return new ValueTask<bool>(true);
        }

        public ValueTask KeepForkAsync(string origin, ForkProof proof, CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }
}
