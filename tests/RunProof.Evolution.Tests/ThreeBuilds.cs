namespace RunProof.Evolution.Tests;

/// <summary>The builds in their order, each with the lock that the releases before it left.</summary>
public sealed class ThreeBuilds : IAsyncLifetime
{
    internal Build First { get; private set; } = null!;

    internal Build Second { get; private set; } = null!;

    internal Build Third { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        First = await Build.CompileAsync("First", Builds.First, lockText: null);
        var afterFirst = First.Release(before: null);
        Second = await Build.CompileAsync("Second", Builds.Second, afterFirst);
        Third = await Build.CompileAsync("Third", Builds.Third, Second.Release(afterFirst));
    }

    public ValueTask DisposeAsync()
    {
        foreach (var build in (Build?[])[First, Second, Third])
            build?.Dispose();
        return ValueTask.CompletedTask;
    }
}
