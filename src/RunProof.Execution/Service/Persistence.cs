using System.Data.Common;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>
/// Says something to the store until it is heard: what has happened must be stored, however long the store is away. A refusal that no time
/// will heal is given up after a few tries.
/// </summary>
internal sealed partial class Persistence
{
    private const int TriesOfTheRefused = 5;

    private readonly ResiliencePipeline _pipeline;

    public Persistence(TimeProvider clock, ILogger<Persistence> logger)
    {
        _pipeline = new ResiliencePipelineBuilder { TimeProvider = clock }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = static args => ValueTask.FromResult(
                    args.Outcome.Exception is { } failed and not OperationCanceledException && (IsTransient(failed) || args.AttemptNumber < TriesOfTheRefused)),
                MaxRetryAttempts = int.MaxValue,
                BackoffType = DelayBackoffType.Exponential,
                Delay = TimeSpan.FromMilliseconds(200),
                MaxDelay = TimeSpan.FromSeconds(5),
                UseJitter = false,
                OnRetry = args =>
                {
                    LogRetry(logger, args.AttemptNumber + 1, args.Outcome.Exception!);
                    return ValueTask.CompletedTask;
                },
            })
            .Build();
    }

    /// <summary>Does it until it succeeds.</summary>
    /// <exception cref="OperationCanceledException">Given up.</exception>
    public ValueTask<T> UntilDoneAsync<T>(Func<CancellationToken, ValueTask<T>> act, CancellationToken giveUp) => _pipeline.ExecuteAsync(act, giveUp);

    /// <inheritdoc cref="UntilDoneAsync{T}"/>
    public ValueTask UntilDoneAsync(Func<CancellationToken, ValueTask> act, CancellationToken giveUp) => _pipeline.ExecuteAsync(act, giveUp);

    public static bool IsTransient(Exception failed) =>
        failed is DbException { IsTransient: true } or RecordingException { IsTransient: true } or TimeoutException or IOException;

    [LoggerMessage(Level = LogLevel.Warning, Message = "the store did not take what happened (try {Attempt}); trying again")]
    private static partial void LogRetry(ILogger logger, int attempt, Exception failed);
}
