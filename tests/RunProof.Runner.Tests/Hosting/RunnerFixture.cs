using System.Collections.Concurrent;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using RunProof.Execution.Tests;
using RunProof.Runner.Tests;
using RunProof.Skills;
using RunProof.Testing;

[assembly: AssemblyFixture(typeof(RunnerFixture))]

namespace RunProof.Runner.Tests;

/// <summary>One runner on a real port over a real database, with two tenants; its tests tell their own things from others' by agent and key.</summary>
public sealed class RunnerFixture : IAsyncLifetime
{
    private readonly PostgresFixture _postgres = new();
    private Factory? _factory;

    public TestDatabase Database { get; private set; } = null!;

    /// <summary>Holds every run whose plan says <c>hold</c> until a test lets it go.</summary>
    internal TaskCompletionSource Gate { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The runs whose step <c>hold</c> has begun.</summary>
    internal ConcurrentDictionary<string, bool> Held { get; } = new(StringComparer.Ordinal);

    private readonly ConcurrentDictionary<string, TaskCompletionSource> _releases = new(StringComparer.Ordinal);

    /// <summary>What one run's skill <c>hold</c> waits for, as it does for the gate of all.</summary>
    internal TaskCompletionSource ReleaseOf(string run) => _releases.GetOrAdd(run, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously));

    /// <summary>A key of scope runner in tenant <c>acme</c>.</summary>
    internal ApiClient Acme { get; private set; } = null!;

    /// <summary>A key of scope auditor in tenant <c>acme</c>.</summary>
    internal ApiClient AcmeAuditor { get; private set; } = null!;

    /// <summary>A key of scope runner in tenant <c>other</c>.</summary>
    internal ApiClient Other { get; private set; } = null!;

    internal ApiClient Anonymous => Client(null);

    /// <summary>A database of a test's own, with the same schema.</summary>
    public Task<TestDatabase> CreateDatabaseAsync() => _postgres.CreateMigratedDatabaseAsync();

    public async ValueTask InitializeAsync()
    {
        await _postgres.InitializeAsync();
        Database = await _postgres.CreateMigratedDatabaseAsync();
        Acme = Client(await CreateKeyAsync("acme", "runner"));
        AcmeAuditor = Client(await CreateKeyAsync("acme", "auditor"));
        Other = Client(await CreateKeyAsync("other", "runner"));
    }

    public async ValueTask DisposeAsync()
    {
        Gate.TrySetResult();
        if (_factory is not null)
            await _factory.DisposeAsync();
        await _postgres.DisposeAsync();
    }

    internal ApiClient Client(string? key)
    {
        if (_factory is null)
        {
            _factory = new Factory(this);
            _factory.UseKestrel(0);
            _factory.StartServer();
        }

        var client = _factory.CreateClient();
        client.Timeout = TimeSpan.FromMinutes(2);
        if (key is not null)
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return new ApiClient(client);
    }

    internal Task<string> CreateKeyAsync(string tenant, string scope, string? id = null, string name = "test") => Store.CreateKeyAsync(Database, tenant, scope, id, name);

    internal Task<object?> ScalarAsync(string sql, params object[] values) => Store.ScalarAsync(Database, sql, values);

    private sealed class Factory(RunnerFixture fixture) : WebApplicationFactory<Program>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            builder.UseSetting("ConnectionStrings:runproofdb", fixture.Database.RunnerConnectionString);
            builder.UseSetting("RunProof:Runner:StopGraceSeconds", "1");
            builder.UseSetting("Logging:LogLevel:Default", "Warning");
            builder.ConfigureServices(services =>
            {
                services.AddSingleton<SkillDescriptor>(new FakeSkill("say", (parameters, _, _) => new(FakeSkill.Gives($$"""{"said":{{parameters.GetRawText()}}}"""))) { Required = "text" });
                services.AddSingleton<SkillDescriptor>(new FakeSkill("fail", (_, _, _) => new(FakeSkill.Fails("broken"))));
                services.AddSingleton<SkillDescriptor>(new FakeSkill("hold", async (_, context, token) =>
                {
                    fixture.Held[context.RunId.Value] = true;
                    await Task.WhenAny(fixture.Gate.Task, fixture.ReleaseOf(context.RunId.Value).Task).WaitAsync(token);
                    return FakeSkill.Gives("{}");
                }));
            });
        }
    }
}
