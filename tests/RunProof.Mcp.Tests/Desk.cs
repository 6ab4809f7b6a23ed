using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.Mcp.Tests;

/// <summary>A server that is running, and its tools called as the engine calls them: checked against a pin, bound, executed.</summary>
internal sealed class Desk : IAsyncDisposable
{
    private static readonly TenantId Acme = TenantId.Parse("acme");

    private readonly McpServers _servers;
    private readonly Kept _log = new();

    private Desk(McpServerOptions options) => _servers = new McpServers([options], TimeProvider.System, _log);

    internal static CancellationToken Cancel => TestContext.Current.CancellationToken;

    internal McpServers Servers => _servers;

    internal McpServerState State => _servers.States[0];

    /// <summary>Everything that was logged.</summary>
    internal string Logged => _log.ToString();

    internal IEnumerable<string> Names => _servers.Current.Skills.Keys.Order(StringComparer.Ordinal);

    /// <summary>The sample server in one of its modes.</summary>
    internal static Task<Desk> SampleAsync(string mode, Func<McpServerOptions, McpServerOptions>? with = null)
    {
        var options = new McpServerOptions { Name = "sample", Command = "dotnet", Args = [Sample(), mode], Tenants = ["*"] };
        return StartAsync(with is null ? options : with(options));
    }

    internal static async Task<Desk> StartAsync(McpServerOptions options)
    {
        var desk = new Desk(options);
        await desk._servers.StartAsync(Cancel);
        return desk;
    }

    internal McpSkill Skill(string name) => (McpSkill)(_servers.Current.Skills.GetValueOrDefault(name) ?? _servers.Current.Former[name]);

    /// <summary>What a trace that opens now pins.</summary>
    internal CanonicalJson? Pin => _servers.Current.Pin;

    /// <summary>A step of its own.</summary>
    internal static SkillContext Step(string tenant = "acme") => new()
    {
        TenantId = TenantId.Parse(tenant), RunId = RunId.Parse("run-1"), StepIndex = 0, Attempt = 0, IdempotencyKey = "run-1:0", Clock = TimeProvider.System,
    };

    internal async Task<Called> CallAsync(
        string skill, string parameters, CanonicalJson? pin = null, string tenant = "acme", CancellationToken? cancel = null, SkillContext? step = null)
    {
        var descriptor = Skill(skill);
        var check = await descriptor.CheckAsync(pin ?? Pin, Cancel);
        if (check.Failure is { } refused)
            return new Called(null, refused, check.Evidence?.ToString());
        using var document = JsonDocument.Parse(parameters);
        var context = step ?? Step(tenant);
        var outcome = await descriptor.Bind(document.RootElement, "plan[0].params").ExecuteAsync(null!, context, cancel ?? Cancel);
        return new Called(outcome.Outcome?.ToString(), outcome.Failure, (context.SourceEvidence ?? check.Evidence)?.ToString());
    }

    /// <summary>Waits for something that a server does in its own time.</summary>
    internal static async Task UntilAsync(Func<bool> holds, string what)
    {
        for (var i = 0; !holds(); i++)
        {
            Assert.True(i < 600, $"{what}: not within 30 s");
            await Task.Delay(50, Cancel);
        }
    }

    public ValueTask DisposeAsync() => _servers.DisposeAsync();

    /// <summary>The sample as this very build made it.</summary>
    internal static string Sample()
    {
        var here = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var path = Path.Combine(here.Parent!.Parent!.Parent!.Parent!.FullName, "RunProof.Mcp.Sample", "bin", here.Parent!.Name, here.Name, "RunProof.Mcp.Sample.dll");
        return File.Exists(path) ? path : throw new FileNotFoundException("the sample server has not been built", path);
    }

    private sealed class Kept : ILoggerFactory, ILogger
    {
        private readonly StringBuilder _said = new();

        public override string ToString()
        {
            lock (_said)
                return _said.ToString();
        }

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_said)
                _said.AppendLine(formatter(state, exception));
        }

        public void Dispose()
        {
        }
    }
}

/// <summary>What came of a call.</summary>
internal sealed record Called(string? Outcome, SkillFailure? Failure, string? Evidence);
