using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Policies;
using RunProof.Skills;
using RunProof.Testing;

namespace RunProof.Execution.Tests;

/// <summary>Execution over fakes.</summary>
internal sealed class House
{
    public static readonly TenantId Tenant = TenantId.Parse("acme");
    public static readonly AgentId Agent = AgentId.Parse("agent-1");

    private readonly Lazy<ServiceProvider> _services;

    private House(House former, string worker)
    {
        (Clock, Recorder, Runs, Agents, Skills) = (former.Clock, former.Recorder, former.Runs, former.Agents, former.Skills);
        (Approvals, Openings, PolicyOptions) = (former.Approvals, former.Openings, former.PolicyOptions);
        (Options, Source, Growing) = (former.Options with { Worker = worker }, former.Source, former.Growing);
        _services = new(Build);
    }

    public House(params FakeSkill[] skills)
    {
        Options = new ExecutionOptions
        {
            Worker = "worker-1", Version = "0.0.1", Concurrency = 2, EvidenceRetries = 0, DemoUrl = () => new Uri("http://localhost:1/demo/zen"),
        };
        Skills = skills;
        _ = Agents.CreateAsync(new Agent(Tenant, Agent, "Ada", null, Clock.GetUtcNow()), default);
        _services = new(Build);
    }

    public ManualTimeProvider Clock { get; } = new();

    public FakeRecorder Recorder { get; } = new();

    public FakeRunStore Runs { get; } = new();

    public FakeAgentStore Agents { get; } = new();

    public FakeWatchStore Watched => field ??= new(Runs, Recorder);

    public RunWatches Watches => _services.Value.GetRequiredService<RunWatches>();

    /// <summary>Null where nobody can be asked, which is so unless a test says otherwise.</summary>
    public FakeApprovalStore? Approvals { get; set; }

    /// <summary>What logs say of openings; null where the process reads none.</summary>
    public FakeLogOpenings? Openings { get; set; }

    public IPolicyStore Policies { get; set; } = new NoPolicies();

    public PolicyOptions PolicyOptions { get; set; } = new();

    public ExecutionOptions Options { get; set; }

    public IReadOnlyList<FakeSkill> Skills { get; }

    public ISkillSource? Source { get; set; }

    /// <summary>A planner whose plans grow; null for none.</summary>
    public IGrowingPlanner? Growing { get; set; }

    public RunService Service => _services.Value.GetRequiredService<RunService>();

    public RunWorker Worker => _services.Value.GetRequiredService<RunWorker>();

    public RunEngine Engine => _services.Value.GetRequiredService<RunEngine>();

    public Resumption Resumption => _services.Value.GetRequiredService<Resumption>();

    public RunClaims Claims => _services.Value.GetRequiredService<RunClaims>();

    public EvidenceWriter Evidence => _services.Value.GetRequiredService<EvidenceWriter>();

    public PlanParser Parser => _services.Value.GetRequiredService<PlanParser>();

    public IEnumerable<IPlanner> Planners => _services.Value.GetServices<IPlanner>();

    /// <summary>Another process over the same stores.</summary>
    public House Next(string worker) => new(this, worker);

    public static JsonElement Json(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }

    /// <summary>A plan of the house's skills; steps time out after an hour, so that a driven clock is no danger to them.</summary>
    public Plan Plan(params string[] steps)
    {
        var written = steps.Select(step => step.Contains("timeout_ms", StringComparison.Ordinal) ? step : step[..^1] + ",\"timeout_ms\":3600000}");
        var validation = Parser.Parse(Json("[" + string.Join(",", written) + "]"), "plan");
        Assert.Empty(validation.Errors);
        return validation.Plan!;
    }

    public PlannedRun Planned(params string[] steps)
    {
        var plan = Plan(steps);
        var run = new Run
        {
            TenantId = Tenant,
            Id = RunId.Parse("run-1"),
            AgentId = Agent,
            Goal = "do it",
            OriginSystemId = "tests",
            CorrelationId = CorrelationId.Parse("corr-1"),
            Planner = "given",
            PlanJson = plan.ToCanonicalJson().ToString(),
            PlanRedacted = false,
            Status = RunStatus.Running,
            Attempts = 1,
            CreatedAt = Clock.GetUtcNow(),
            StartedAt = Clock.GetUtcNow(),
            IsAttemptOpen = true,
            Worker = "worker-1",
            LeaseUntil = Clock.GetUtcNow() + TimeSpan.FromSeconds(10),
        };
        return new PlannedRun(run, run.Goal, plan, "Ada");
    }

    public Task<RunOutcome> ExecuteAsync(params string[] steps) => DriveAsync(Engine.ExecuteAsync(Planned(steps), null, RunControl.Of(CancellationToken.None)));

    public RunRequest Request(string? plan = null, string? key = null) => new()
    {
        TenantId = Tenant, AgentId = Agent, Goal = "do it", OriginSystemId = "tests", Plan = plan is null ? null : Json(plan), IdempotencyKey = key,
    };

    /// <summary>Lets time pass, 50 ms at once, until a task ends.</summary>
    public async Task<T> DriveAsync<T>(Task<T> task)
    {
        await DriveAsync((Task)task);
        return await task;
    }

    /// <inheritdoc cref="DriveAsync{T}"/>
    public async Task DriveAsync(Task task)
    {
        for (var i = 0; !task.IsCompleted; i++)
        {
            Assert.True(i < 20_000, "the task never ends");
            await Task.Yield();
            if (await Task.WhenAny(task, Task.Delay(3)) != task)
                Clock.Advance(TimeSpan.FromMilliseconds(50));
        }

        await task;
    }

    /// <summary>Works until an action is done, then stops.</summary>
    /// <param name="act">The action.</param>
    /// <param name="stopping">What to do once it has been told to stop.</param>
    public async Task WorkAsync(Func<Task> act, Action? stopping = null)
    {
        using var stop = new CancellationTokenSource();
        var work = Worker.RunAsync(stop.Token);
        await DriveAsync(act());
        await stop.CancelAsync();
        stopping?.Invoke();
        await DriveAsync(work);
    }

    /// <summary>Whatever was wanted of a run of this process before has been passed on to it: the process has looked for it, and begun to look again.</summary>
    public async Task ObeyedAsync()
    {
        for (var before = Runs.Looks(Options.Worker); Runs.Looks(Options.Worker) < before + 3;)
            await Task.Delay(2);
    }

    private ServiceProvider Build()
    {
        var services = new ServiceCollection();
        services.AddSingleton(typeof(ILogger<>), typeof(NullLogger<>));
        services.AddSingleton<TimeProvider>(Clock);
        services.AddSingleton<ITraceRecorder>(Recorder);
        services.AddSingleton<IRunStore>(Runs);
        services.AddSingleton<IAgentStore>(Agents);
        services.AddSingleton<IRecoveryStore>(new FakeRecoveryStore(Recorder));
        services.AddSingleton<IRunWatchStore>(Watched);
        services.AddSingleton<IReplayStore, NoOrigins>();
        services.AddSingleton<IRedactor, FakeRedactor>();
        services.AddSingleton<IStepGate>(_ => new PolicyGate(Policies, new FakeRedactor(), PolicyOptions, Clock, NullLoggerFactory.Instance));
        if (Approvals is not null)
            services.AddSingleton<IApprovalStore>(Approvals);
        if (Openings is not null)
            services.AddSingleton<ILogOpeningStore>(Openings);
        foreach (var skill in Skills)
            services.AddSingleton<SkillDescriptor>(skill);
        if (Source is not null)
            services.AddSingleton(Source);
        if (Growing is not null)
            services.AddSingleton<IPlanner>(Growing);
        services.AddRunExecution(_ => Options);
        return services.BuildServiceProvider();
    }
}
