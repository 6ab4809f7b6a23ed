using RunProof.Execution;

namespace RunProof.Runner;

/// <summary>Runs the worker for as long as the host runs.</summary>
internal sealed class WorkerService(RunWorker worker) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => worker.RunAsync(stoppingToken);
}
