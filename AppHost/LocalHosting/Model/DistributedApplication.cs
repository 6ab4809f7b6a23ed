using Aspire.Hosting.ApplicationModel;
using RunProof.AppHost;

namespace Aspire.Hosting;

/// <summary>What the build knows of a project.</summary>
public interface IProjectMetadata
{
    /// <summary>Its project file.</summary>
    string ProjectPath { get; }

    /// <summary>What the build made of it. LocalHosting's own: Aspire asks the SDK.</summary>
    string AssemblyPath { get; }
}

/// <summary>The model while it is written.</summary>
public interface IDistributedApplicationBuilder
{
    /// <summary>The folder of the AppHost's project.</summary>
    string AppHostDirectory { get; }

    DistributedApplication Build();
}

/// <summary>The model, ready to run.</summary>
public sealed class DistributedApplication
{
    private readonly LocalApplicationBuilder model;

    internal DistributedApplication(LocalApplicationBuilder model) => this.model = model;

    public static IDistributedApplicationBuilder CreateBuilder(string[] args) => new LocalApplicationBuilder(LocalOptions.FromEnvironment(args));

    /// <summary>Starts everything, stays until Ctrl-C or SIGTERM, stops everything, and sets the process's exit code.</summary>
    public void Run() => Environment.ExitCode = RunLocallyAsync().GetAwaiter().GetResult();

    internal Task<int> RunLocallyAsync(CancellationToken stop = default) => new LocalRun(model).RunAsync(stop);
}

/// <summary>The model while it is written, here.</summary>
internal sealed class LocalApplicationBuilder(LocalOptions options) : IDistributedApplicationBuilder
{
    public string AppHostDirectory => options.AppHostFolder;

    public LocalOptions Options => options;

    public ParameterStore Parameters { get; } = new(options.DataFolder);

    public List<IResource> Resources { get; } = [];

    public DistributedApplication Build() => new(this);

    public IResourceBuilder<T> Add<T>(T resource)
        where T : IResource
    {
        if (Resources.Any(other => string.Equals(other.Name, resource.Name, StringComparison.OrdinalIgnoreCase)))
            throw new InvalidOperationException($"There is already a resource called '{resource.Name}'.");
        Resources.Add(resource);
        return new ResourceBuilder<T>(resource, this);
    }
}
