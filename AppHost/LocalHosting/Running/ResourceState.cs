using Aspire.Hosting.ApplicationModel;

namespace RunProof.AppHost;

/// <summary>Where a resource stands, for those that wait for it.</summary>
internal sealed class ResourceState(IResource resource)
{
    private const string NotStarted = "did not start";
    private readonly TaskCompletionSource<string?> ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<int> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IResource Resource => resource;

    /// <summary>Null when it is ready, else why it will never be.</summary>
    public Task<string?> Ready => ready.Task;

    /// <summary>Its exit code.</summary>
    public Task<int> Ended => ended.Task;

    /// <summary>Its child, while it has one.</summary>
    public ChildProcess? Child { get; set; }

    public void SetReady() => ready.TrySetResult(null);

    public void SetFailed(string why) => ready.TrySetResult(why);

    public void SetEnded(int code) => ended.TrySetResult(code);

    /// <summary>Waits until a condition holds.</summary>
    /// <returns>Null when it holds, else what happened instead; what is wrong with this resource is told once, by itself.</returns>
    public async Task<string?> UntilAsync(Wait wait, CancellationToken ct)
    {
        if (wait.ExitCode is not { } wanted)
            return await Ready.WaitAsync(ct) is null ? null : NotStarted;
        await Task.WhenAny(Ended, Ready).WaitAsync(ct);
        if (Ready.IsCompleted && await Ready is not null)
            return NotStarted;
        var code = await Ended.WaitAsync(ct);
        return code == wanted ? null : $"ended with exit code {code}, not {wanted}";
    }
}
