using System.Text;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace RunProof.AppHost.Tests;

/// <summary>The sample as a project of the model.</summary>
public sealed class SampleProject : IProjectMetadata
{
    public string ProjectPath => Path.Combine(AppContext.BaseDirectory, "RunProof.AppHost.Sample.csproj");

    public string AssemblyPath => Path.Combine(AppContext.BaseDirectory, "RunProof.AppHost.Sample.dll");
}

/// <summary>A model of samples, its folder, and what it shows.</summary>
internal sealed class LocalModel : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly Transcript transcript = new();
    private readonly LocalApplicationBuilder builder;
    private Task<int>? run;

    public LocalModel(string? folder = null, Func<LocalOptions, LocalOptions>? change = null)
    {
        Folder = folder ?? Path.Combine(Path.GetTempPath(), $"rp-{Guid.NewGuid():N}"[..16]);
        Directory.CreateDirectory(Folder);
        var options = new LocalOptions
        {
            AppHostFolder = Folder,
            DataFolder = Path.Combine(Folder, "data"),
            Out = transcript,
            Dashboard = false,
            HealthTimeout = TimeSpan.FromSeconds(60),
        };
        builder = new LocalApplicationBuilder(change is null ? options : change(options));
    }

    public string Folder { get; }

    public IDistributedApplicationBuilder Builder => builder;

    /// <summary>What the screen showed so far.</summary>
    public string Shown => transcript.Text;

    /// <summary>The same with single spaces, for rows of the table.</summary>
    public string Table => string.Join(' ', Shown.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>What samples said that they did, in order.</summary>
    public string[] Events => File.Exists(EventsFile) ? File.ReadAllLines(EventsFile) : [];

    private string EventsFile => Path.Combine(Folder, "events");

    public IResourceBuilder<ProjectResource> Add(string name, params string[] arguments) =>
        builder.AddProject<SampleProject>(name, launchProfileName: null).WithArgs(arguments)
            .WithEnvironment("SAMPLE_NAME", name).WithEnvironment("SAMPLE_EVENTS", EventsFile);

    public IResourceBuilder<ProjectResource> AddWeb(string name, params string[] options) =>
        Add(name, ["web", .. options]).WithHttpEndpoint().WithHttpHealthCheck("/health");

    /// <summary>Starts, and waits until the table is shown.</summary>
    public async Task StartAsync()
    {
        run = builder.Build().RunLocallyAsync(stop.Token);
        await UntilAsync(() => run.IsCompleted || Shown.Contains("RunProof is up", StringComparison.Ordinal));
        Assert.False(run.IsCompleted, Shown);
    }

    /// <summary>Runs to an end that comes by itself.</summary>
    public async Task<int> RunToEndAsync() => await builder.Build().RunLocallyAsync(stop.Token).WaitAsync(TimeSpan.FromSeconds(120));

    /// <summary>Stops a run that was started.</summary>
    public async Task<int> StopAsync()
    {
        await stop.CancelAsync();
        return await run!.WaitAsync(TimeSpan.FromSeconds(60));
    }

    public static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        while (!condition())
            await Task.Delay(20, limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        if (run is not null)
            await run;
        if (Directory.Exists(Folder))
            Directory.Delete(Folder, recursive: true);
    }

    private sealed class Transcript : TextWriter
    {
        private readonly StringBuilder text = new();

        public override Encoding Encoding => Encoding.UTF8;

        public string Text
        {
            get
            {
                lock (text)
                    return text.ToString();
            }
        }

        public override void Write(char value)
        {
            lock (text)
                text.Append(value);
        }

        public override void Write(string? value)
        {
            lock (text)
                text.Append(value);
        }
    }
}
