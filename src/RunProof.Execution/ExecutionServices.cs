using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>Puts execution into a container.</summary>
public static class ExecutionServices
{
    /// <summary>
    /// Registers <see cref="RunService"/>, <see cref="RunWorker"/> (the host runs it once), <see cref="SkillRegistry"/> and the planners. The host adds the skills, the
    /// stores, an <see cref="ITraceRecorder"/>, an <see cref="IRedactor"/> and logging.
    /// </summary>
    /// <param name="services">The container.</param>
    /// <param name="options">How this process executes; read once.</param>
    /// <returns>The container.</returns>
    public static IServiceCollection AddRunExecution(this IServiceCollection services, Func<IServiceProvider, ExecutionOptions> options)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IRunIds, UuidRunIds>();
        services.AddSingleton(provider => options(provider).Validated());
        services.TryAddSingleton<SkillRegistry>();
        services.AddSingleton<PlanParser>();
        services.AddSingleton<IPlanner, StubPlanner>();
        services.AddSingleton<IPlanner, GivenPlanner>();
        services.TryAddSingleton<PlannerOptions>();
        services.TryAddSingleton<IModelCatalog, NoModels>();
        services.AddSingleton<IPlanner, RulesPlanner>();
        services.AddSingleton<IPlanner, LlmPlanner>();
        services.AddSingleton<IPlanner, AgentPlanner>();
        services.TryAddSingleton<IRunSignals, LocalRunSignals>();
        services.AddSingleton<RunQueue>();
        services.AddSingleton<RunControls>();
        services.AddSingleton<RunCompletions>();
        services.AddSingleton(provider => new RunWatches(
            provider.GetRequiredService<IRunWatchStore>(), provider.GetRequiredService<RunCompletions>(), provider.GetRequiredService<ExecutionOptions>(),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<RunWatches>>()));
        services.AddSingleton<RunAdmission>();
        services.AddSingleton<Persistence>();
        services.AddSingleton<RunFinisher>();
        services.TryAddSingleton<ISaltSource, RandomSaltSource>();
        services.AddSingleton<Approvals>();
        services.AddSingleton<ApprovalService>();
        services.AddSingleton<SubRuns>();
        services.AddSingleton<StepExecutor>();
        services.AddSingleton<EvidenceWriter>();
        services.AddSingleton<LogOpenings>();
        services.AddSingleton<RunEngine>();
        services.AddSingleton<Interruptions>();
        services.AddSingleton<Resumption>();
        services.AddSingleton<Origins>();
        services.AddSingleton<TraceRecovery>();
        services.AddSingleton<RunClaims>();
        services.AddSingleton(provider => new RunService(
            provider.GetRequiredService<IRunStore>(), provider.GetRequiredService<IAgentStore>(), provider.GetRequiredService<IRedactor>(),
            provider.GetRequiredService<IRunSignals>(), provider.GetRequiredService<RunAdmission>(), provider.GetRequiredService<RunQueue>(),
            provider.GetRequiredService<RunCompletions>(), provider.GetRequiredService<Persistence>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new RunWorker(
            provider.GetRequiredService<IRunStore>(), provider.GetRequiredService<IRunSignals>(), provider.GetRequiredService<RunQueue>(),
            provider.GetRequiredService<RunControls>(), provider.GetRequiredService<RunCompletions>(), provider.GetRequiredService<RunEngine>(),
            provider.GetRequiredService<Resumption>(), provider.GetRequiredService<Origins>(), provider.GetRequiredService<EvidenceWriter>(), provider.GetRequiredService<RunFinisher>(),
            provider.GetRequiredService<RunClaims>(), provider.GetRequiredService<Persistence>(), provider.GetRequiredService<ExecutionOptions>(),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<RunWorker>>()));
        return services;
    }
}
