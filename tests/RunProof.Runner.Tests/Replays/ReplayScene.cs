using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using RunProof.Execution.Tests;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.Skills;
using RunProof.Testing;
using RunProof.Verification;

namespace RunProof.Runner.Tests;

/// <summary>A runner over a real database, with skills whose world a test changes between a run and its replay.</summary>
public sealed class ReplayScene : IAsyncLifetime
{
    private readonly PostgresFixture _postgres = new();
    private readonly DirectoryInfo _files = Directory.CreateTempSubdirectory("runproof-replay-");
    private Factory? _factory;
    private string _shop = "";
    private int _sent;
    private int _rolled;

    public TestDatabase Database { get; private set; } = null!;

    internal ApiClient Acme { get; private set; } = null!;

    internal ApiClient Other { get; private set; } = null!;

    internal string Agent { get; private set; } = "";

    /// <summary>What the skill <c>look</c> finds, by key; null makes it fail.</summary>
    internal Dictionary<string, string?> World { get; } = new(StringComparer.Ordinal);

    /// <summary>How often the skill <c>send</c>, which a replay must not execute, was executed.</summary>
    internal int Sent => _sent;

    internal FakeSkill Look { get; private set; } = null!;

    /// <summary>What the steps of the skill <c>meet</c> wait for, by their key: those that are not in here wait for nothing.</summary>
    internal ConcurrentDictionary<string, TaskCompletionSource> Held { get; } = new(StringComparer.Ordinal);

    /// <summary>How often <c>meet</c> was executed, by its key.</summary>
    internal ConcurrentDictionary<string, int> Met { get; } = new(StringComparer.Ordinal);

    /// <summary>The model that agents ask.</summary>
    internal ModelServer Model { get; private set; } = null!;

    /// <summary>What it answers.</summary>
    internal Func<ModelRequest, ModelTurn> Answers { get; set; } = static _ => ModelTurn.Says("Done.");

    internal string Files => _files.FullName;

    /// <summary>What this runner can do of itself, without what tests add.</summary>
    internal IEnumerable<SkillDescriptor> BuiltIn =>
        _factory!.Services.GetRequiredService<SkillRegistry>().All.Where(static skill => skill.GetType().Assembly.GetName().Name is { } name && name.StartsWith("RunProof.", StringComparison.Ordinal) && !name.EndsWith(".Tests", StringComparison.Ordinal));

    internal string Demo => new Uri(_factory!.Address, "/demo/zen").AbsoluteUri;

    public async ValueTask InitializeAsync()
    {
        await _postgres.InitializeAsync();
        Database = await _postgres.CreateMigratedDatabaseAsync();
        Look = new FakeSkill("look", (parameters, _, _) => new(Seen(parameters.GetProperty("key").GetString()!)));
        _shop = await ShopAsync();
        Model = await ModelServer.StartAsync(request => Answers(request));
        _factory = new Factory(this);
        _factory.UseKestrel(0);
        _factory.StartServer();
        Acme = Client(await Store.CreateKeyAsync(Database, "acme", "runner"));
        Other = Client(await Store.CreateKeyAsync(Database, "other", "runner"));
        Agent = await Acme.CreateAgentAsync();
        await PutPolicyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_factory is not null)
            await _factory.DisposeAsync();
        await Model.DisposeAsync();
        await _postgres.DisposeAsync();
        _files.Delete(recursive: true);
    }

    /// <summary>Another key of the tenant.</summary>
    internal async Task<ApiClient> ClientAsync(string scope) => Client(await Store.CreateKeyAsync(Database, "acme", scope));

    /// <summary>Runs a plan to its end.</summary>
    internal async Task<Answer> RunAsync(string plan, string more = "")
    {
        var run = await Acme.PostAsync("/api/v1/runs", ApiClient.Run(Agent, plan, more + ""","wait":60"""));
        Assert.True((int)run.Status == 200, run.Body.ToString());
        return run;
    }

    /// <summary>Begins a run, or what a path makes of one.</summary>
    internal async Task<string> BeginAsync(string body, string path = "/api/v1/runs")
    {
        var run = await Acme.PostAsync(path, body);
        Assert.True((int)run.Status == 202, run.Body.ToString());
        return run["run_id"]!;
    }

    /// <summary>A run at its end.</summary>
    internal async Task<Answer> EndAsync(string run)
    {
        var ended = await Acme.GetAsync($"/api/v1/runs/{run}?wait=120");
        Assert.NotNull(ended["completed_at"]);
        return ended;
    }

    /// <summary>Makes the steps of a key wait until they are let go.</summary>
    internal void Hold(string key) => Held[key] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    internal void LetGo(string key)
    {
        Held.TryRemove(key, out var held);
        held?.TrySetResult();
    }

    /// <summary>Waits until a run's first trace has so many steps.</summary>
    internal async Task RecordedAsync(string run, int steps)
    {
        for (var i = 0; ; i++)
        {
            var recorded = (long)(await Store.ScalarAsync(Database, $"SELECT count(*) FROM aos_trace_steps WHERE trace_id = 'trace_{run}'"))!;
            if (recorded >= steps)
                return;
            Assert.True(i < 3_000, $"{run} has {recorded} steps and never had {steps}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    // A database that sql_query may ask.
    private async Task<string> ShopAsync()
    {
        var database = await _postgres.CreateDatabaseAsync();
        var role = $"shop_reader_{Guid.NewGuid():N}"[..24];
        await Store.ScalarAsync(
            database, $"CREATE TABLE items (name text, price numeric); INSERT INTO items VALUES ('tea', 12.50); CREATE ROLE {role} LOGIN PASSWORD '{TestDatabase.RolePassword}'; GRANT SELECT ON items TO {role}");
        return new NpgsqlConnectionStringBuilder(database.AdminConnectionString) { Username = role, Password = TestDatabase.RolePassword }.ConnectionString;
    }

    // A tenant's first policy is in force at once, before any run of it.
    private async Task PutPolicyAsync()
    {
        const string Rule = "{ id: ask, effect: require_approval, reason: a person decides, when: { skill: meet, params: { pay: true } } }";
        var governor = Client(await Store.CreateKeyAsync(Database, "acme", "governor"));
        var answer = await governor.SendAsync(HttpMethod.Put, "/api/v1/policies/guard", $"policy: guard\nversion: '1'\ndefault: allow\nrules: [{Rule}]\n", "application/yaml");
        Assert.Equal(201, (int)answer.Status);
    }

    /// <summary>A person decides what a run waits for.</summary>
    internal async Task DecideAsync(string run, string decision)
    {
        var ada = Client(await Store.CreateKeyAsync(Database, "acme", "approver", name: "ada"));
        for (var i = 0; ; i++)
        {
            var found = (await Acme.GetAsync($"/api/v1/approvals?run_id={run}&status=pending")).Body.GetProperty("items");
            if (found.GetArrayLength() == 1)
            {
                var (id, digest) = (found[0].GetProperty("id").GetString(), found[0].GetProperty("action_digest").GetString());
                Assert.Equal(200, (int)(await ada.PostAsync($"/api/v1/approvals/{id}/{decision}", $$"""{"action_digest":"{{digest}}"}""")).Status);
                return;
            }

            Assert.True(i < 1_500, $"nobody is asked about {run}");
            await Task.Delay(40, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits until a run is what it is to be.</summary>
    internal async Task UntilAsync(string run, string status)
    {
        for (var i = 0; (await Acme.GetAsync($"/api/v1/runs/{run}"))["status"] != status; i++)
        {
            Assert.True(i < 3_000, $"{run} never was {status}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits until a step of the skill <c>meet</c> has begun so often.</summary>
    internal async Task MetAsync(string key, int times)
    {
        for (var i = 0; Met.GetValueOrDefault(key) < times; i++)
        {
            Assert.True(i < 3_000, $"{key} was met {Met.GetValueOrDefault(key)} times");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Replays or forks a run, to its end.</summary>
    internal async Task<Answer> DeriveAsync(Answer run, string what, string body)
    {
        var derived = await Acme.PostAsync($"/api/v1/runs/{run["run_id"]}/{what}", body.Length == 2 ? """{"wait":60}""" : body[..^1] + ""","wait":60}""");
        Assert.True((int)derived.Status == 200, derived.Body.ToString());
        return derived;
    }

    internal async Task<ReplayReport> ReplayAsync(Answer run, string body = "{}") => await ReportAsync(await DeriveAsync(run, "replay", body));

    /// <summary>The report on a replay, recomputed from what is recorded.</summary>
    internal async Task<ReplayReport> ReportAsync(Answer replay)
    {
        var (trace, steps) = await ReadAsync(replay["trace_id"]!);
        var named = TraceOrigin.OfReplay(trace)!;
        var (origin, originSteps) = await ReadAsync(named.TraceId);
        Assert.All(steps, step => Assert.Equal("replay", step.Source));
        return await ReplayReport.OfAsync(Source(origin, originSteps), Source(trace, steps), named, TestContext.Current.CancellationToken);
    }

    internal static TraceSource Source(RecordedTrace trace, IReadOnlyList<RecordedStep> steps) => new(trace, steps.ToAsyncEnumerable(), null, new VerificationOptions());

    /// <summary>A trace as it is recorded, as the verifier reads it.</summary>
    internal async Task<(RecordedTrace Trace, IReadOnlyList<RecordedStep> Steps)> ReadAsync(string trace)
    {
        await using var source = NpgsqlDataSource.Create(Database.VerifierConnectionString);
        await using var snapshot = await new PostgresEvidenceStore(source).OpenAsync(TenantId.Parse("acme"), default);
        var run = RunId.Parse(trace["trace_".Length..].Split('.')[0]);
        var found = (await snapshot.ReadTracesAsync(run, payloads: true, default)).Single(each => each.TraceId == trace);
        var steps = new List<RecordedStep>();
        await foreach (var step in snapshot.ReadStepsAsync(trace, payloads: true, default))
            steps.Add(step);
        return (found, steps);
    }

    internal async Task<JsonElement> ContextAsync(string trace)
    {
        using var document = JsonDocument.Parse((await ReadAsync(trace)).Trace.Context.Text!);
        return document.RootElement.Clone();
    }

    /// <summary>What the owner of the database could do, all triggers out of the way.</summary>
    internal Task TamperAsync(string sql) => Store.ScalarAsync(
        Database,
        "DO $$ BEGIN ALTER TABLE aos_traces DISABLE TRIGGER ALL; ALTER TABLE aos_trace_steps DISABLE TRIGGER ALL; ALTER TABLE runs DISABLE TRIGGER ALL; "
        + sql + "; ALTER TABLE aos_traces ENABLE TRIGGER ALL; ALTER TABLE aos_trace_steps ENABLE TRIGGER ALL; ALTER TABLE runs ENABLE TRIGGER ALL; END $$");

    private async ValueTask<SkillOutcome> MeetAsync(JsonElement parameters, CancellationToken cancellationToken)
    {
        var key = parameters.GetProperty("key").GetString()!;
        Met.AddOrUpdate(key, 1, static (_, times) => times + 1);
        if (Held.TryGetValue(key, out var held))
            await held.Task.WaitAsync(cancellationToken);
        return World.GetValueOrDefault(key, key) is { } value ? FakeSkill.Gives($$"""{"met":{{JsonSerializer.Serialize(value)}}}""") : FakeSkill.Fails("nobody");
    }

    private SkillOutcome Seen(string key) =>
        World.GetValueOrDefault(key, "nothing") is { } value ? FakeSkill.Gives($$"""{"seen":{{JsonSerializer.Serialize(value)}},"deep":[1,{"key":{{JsonSerializer.Serialize(key)}} }]}""")
        : FakeSkill.Fails("not_found");

    private ApiClient Client(string key)
    {
        var client = _factory!.CreateClient();
        client.Timeout = TimeSpan.FromMinutes(2);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return new ApiClient(client);
    }

    private sealed class Factory(ReplayScene scene) : WebApplicationFactory<Program>
    {
        public Uri Address => ClientOptions.BaseAddress;

        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            builder.UseSetting("ConnectionStrings:runproofdb", scene.Database.RunnerConnectionString);
            builder.UseSetting("RunProof:Runner:StopGraceSeconds", "1");
            builder.UseSetting("RunProof:Files:Root", scene.Files);
            builder.UseSetting("RunProof:Sql:shop:ConnectionString", scene._shop);
            builder.UseSetting("RunProof:Sql:shop:Tenants:0", "acme");
            builder.UseSetting("RunProof:Models:small:Endpoint", scene.Model.Endpoint);
            builder.UseSetting("RunProof:Models:small:Model", ModelServer.Model);
            builder.UseSetting("RunProof:Models:small:ApiKey", ModelServer.ApiKey);
            builder.UseSetting("Logging:LogLevel:Default", "Warning");
            builder.ConfigureServices(services =>
            {
                services.AddSingleton<SkillDescriptor>(scene.Look);
                services.AddSingleton<SkillDescriptor>(new FakeSkill("meet", (parameters, _, cancellationToken) => scene.MeetAsync(parameters, cancellationToken)));
                services.AddSingleton<SkillDescriptor>(new FakeSkill("send", (parameters, _, _) =>
                    new(FakeSkill.Gives($$"""{"number":{{Interlocked.Increment(ref scene._sent)}},"echo":{{parameters.GetRawText()}}}"""))) { Behavior = ReplayBehavior.Skip });
                services.AddSingleton<SkillDescriptor>(new FakeSkill("roll", (_, _, _) => new(FakeSkill.Gives($$"""{"rolled":{{Interlocked.Increment(ref scene._rolled)}}}"""))) { Behavior = ReplayBehavior.Execute });
                services.AddSingleton<SkillDescriptor>(new FakeSkill("time", (_, context, _) => new(FakeSkill.Gives($$"""{"now":"{{context.Clock.GetUtcNow():O}}"}"""))));
                services.AddSingleton<SkillDescriptor>(new FakeSkill("stamp", (_, context, _) =>
                {
                    context.Varies("$.at");
                    return new(FakeSkill.Gives($$"""{"at":{{Interlocked.Increment(ref scene._rolled)}},"what":"stamped"}"""));
                }));
                services.AddSingleton<SkillDescriptor>(new FakeSkill("stumble", (parameters, context, _) =>
                    new(context.Attempt < parameters.GetProperty("times").GetInt32() ? FakeSkill.Fails("busy", retryable: true) : FakeSkill.Gives("""{"done":true}"""))));
            });
        }
    }
}
