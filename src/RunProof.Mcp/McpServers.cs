using System.Buffers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.Mcp;

/// <summary>The operator's servers, and their tools as skills.</summary>
public sealed class McpServers : ISkillSource, IAsyncDisposable
{
    // A server that takes new names all the time must not fill the memory.
    private const int MostFormer = 2_000;

    private readonly Lock _gate = new();
    private readonly McpServer[] _servers;
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<string, SkillDescriptor> _former = new(StringComparer.Ordinal);
    private volatile SkillSnapshot _current = new(new Dictionary<string, SkillDescriptor>(), new Dictionary<string, SkillDescriptor>(), null);
    private Task _running = Task.CompletedTask;

    /// <summary>Takes the servers; none is started yet.</summary>
    /// <param name="servers">The operator's.</param>
    /// <param name="clock">Measures pauses.</param>
    /// <param name="loggers">Where it is said what becomes of them.</param>
    /// <exception cref="ArgumentException">A server's options cannot work; the message names the key.</exception>
    public McpServers(IEnumerable<McpServerOptions> servers, TimeProvider clock, ILoggerFactory loggers)
    {
        var logger = loggers.CreateLogger<McpServers>();
        _servers = [.. servers.OrderBy(server => server.Name, StringComparer.Ordinal).Select(server => new McpServer(server.Validated(), Publish, clock, logger))];
    }

    /// <inheritdoc/>
    public string Name => McpSkill.SourceName;

    /// <inheritdoc/>
    public SkillSnapshot Current => _current;

    /// <summary>What has become of each server, by name.</summary>
    public IReadOnlyList<McpServerState> States => [.. _servers.Select(server => new McpServerState(server.Options.Name, server.Problem, server.List?.Tools.Count ?? 0))];

    /// <summary>Starts all servers at once, and waits until each is there or has failed to be: at most for the longest start that is allowed. From then on they are kept running.</summary>
    /// <param name="cancellationToken">Waits no longer.</param>
    /// <returns>When every one was tried.</returns>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _running = Task.WhenAll(_servers.Select(server => Task.Run(() => server.RunAsync(_stop.Token), CancellationToken.None)));
        return Task.WhenAll(_servers.Select(server => server.Tried)).WaitAsync(cancellationToken);
    }

    /// <summary>Stops all servers; programs end with everything that they started.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private void Publish()
    {
        lock (_gate)
        {
            var skills = new Dictionary<string, SkillDescriptor>(StringComparer.Ordinal);
            foreach (var server in _servers)
            {
                if (server.List is not { } list)
                    continue;
                foreach (var tool in list.Tools.Values)
                    skills.Add(tool.SkillName, new McpSkill(server, list, tool));
            }

            foreach (var (name, skill) in _current.Skills)
                _former[name] = skill;
            foreach (var name in _former.Keys.Where(skills.ContainsKey).Concat(_former.Keys.Skip(MostFormer)).ToArray())
                _former.Remove(name);
            _current = new SkillSnapshot(skills, new Dictionary<string, SkillDescriptor>(_former, StringComparer.Ordinal), Pins());
        }
    }

    private CanonicalJson? Pins()
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        var writer = new CanonicalWriter(buffer);
        var separator = "{"u8;
        foreach (var server in _servers)
        {
            if (server.List is not { } list)
                continue;
            writer.WriteRaw(separator);
            separator = ","u8;
            writer.WriteString(server.Options.Name);
            writer.WriteRaw(":"u8);
            writer.WriteJson(list.Pin);
        }

        if (separator[0] == (byte)'{')
            return null;
        writer.WriteRaw("}"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }
}

/// <summary>What has become of a server.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Problem">Why it is not there, in words that hold no secret; null where it is.</param>
/// <param name="Tools">Its tools that are skills, as they were listed last.</param>
public sealed record McpServerState(string Name, string? Problem, int Tools);

/// <summary>Puts servers into a container.</summary>
public static class McpRegistration
{
    /// <summary>Registers the servers, and their tools as skills. The host calls <see cref="McpServers.StartAsync"/> before it takes runs.</summary>
    /// <param name="services">The container; it has a <see cref="TimeProvider"/> and logging.</param>
    /// <param name="servers">The operator's servers; read once.</param>
    /// <returns>The container.</returns>
    public static IServiceCollection AddMcpServers(this IServiceCollection services, Func<IServiceProvider, IEnumerable<McpServerOptions>> servers) =>
        services
            .AddSingleton(provider => new McpServers(servers(provider), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILoggerFactory>()))
            .AddSingleton<ISkillSource>(provider => provider.GetRequiredService<McpServers>());
}
