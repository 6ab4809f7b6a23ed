using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Npgsql;
using RunProof.Testing;

namespace RunProof.EndToEnd.Tests;

/// <summary>Migrator, runner and verifier as processes over one database, as an operator would start them.</summary>
internal sealed class RunningSystem : IAsyncDisposable
{
    internal const string ApiKey = "rpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    private readonly Dictionary<string, string> _environment;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(100) };
    private readonly DirectoryInfo _keys = Directory.CreateTempSubdirectory("runproof-keys-");
    private HostProcess? _runner;
    private HostProcess? _verifier;
    private HostProcess? _secondRunner;

    private RunningSystem(string services, string owner, params (string Name, string Value)[] variables)
    {
        Owner = owner;
        (RunnerUrl, VerifierUrl) = (LocalPort.FreeUrl(), LocalPort.FreeUrl());
        _http.DefaultRequestHeaders.Authorization = new("Bearer", ApiKey);
        _environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["ConnectionStrings__runproofdb"] = services,
            ["RunProof__Roles__Runner__Password"] = TestDatabase.RolePassword,
            ["RunProof__Roles__Verifier__Password"] = TestDatabase.RolePassword,
            ["RunProof__Roles__Auditor__Password"] = TestDatabase.RolePassword,
            ["RunProof__Development__ApiKey"] = ApiKey,
            ["RUNPROOF_RUNNER_URL"] = RunnerUrl,
            ["RUNPROOF_VERIFIER_URL"] = VerifierUrl,
            ["RUNPROOF_API_KEY"] = ApiKey,
            // Not the user's own: a test leaves no key behind, and finds none.
            ["RunProof__Log__KeyFolder"] = _keys.FullName,
            ["NO_COLOR"] = "1",
        };
        foreach (var (name, value) in variables)
            _environment[name] = value;
    }

    internal string RunnerUrl { get; }

    internal string VerifierUrl { get; }

    /// <summary>A superuser's connection to the same database, for what an attacker or an auditor would do.</summary>
    internal string Owner { get; }

    internal static async Task<RunningSystem> StartAsync(
        string services, string owner, CancellationToken cancellationToken, params (string Name, string Value)[] variables)
    {
        var system = new RunningSystem(services, owner, variables);
        var (exit, output) = await HostProcess.RunAsync("RunProof.Migrator", system._environment, cancellationToken);
        Assert.True(exit == 0, output);
        await system.StartRunnerAsync(cancellationToken);
        system._verifier = system.StartHost("RunProof.Verifier", system.VerifierUrl, "verifier");
        await system.ReadyAsync(system._verifier, system.VerifierUrl, cancellationToken);
        return system;
    }

    internal async Task StartRunnerAsync(CancellationToken cancellationToken)
    {
        _runner = StartHost("RunProof.Runner", RunnerUrl, "runner");
        await ReadyAsync(_runner, RunnerUrl, cancellationToken);
    }

    /// <summary>Starts another runner on the same database.</summary>
    /// <returns>Its address.</returns>
    internal async Task<string> StartSecondRunnerAsync(CancellationToken cancellationToken)
    {
        var url = LocalPort.FreeUrl();
        _secondRunner = StartHost("RunProof.Runner", url, "runner");
        await ReadyAsync(_secondRunner, url, cancellationToken);
        return url;
    }

    /// <summary>Asks any service anything.</summary>
    internal async Task<(int Status, JsonElement Body)> SendAsync(HttpMethod method, string url, string? key, object? body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, url) { Content = body is null ? null : JsonContent.Create(body) };
        request.Headers.Authorization = new("Bearer", key ?? ApiKey);
        using var response = await _http.SendAsync(request, cancellationToken);
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
        return ((int)response.StatusCode, document.RootElement.Clone());
    }

    internal async Task KillRunnerAsync()
    {
        _runner!.Kill();
        await _runner.DisposeAsync();
    }

    internal async Task<JsonElement> CreateRunAsync(object request, CancellationToken cancellationToken)
    {
        using var response = await _http.PostAsJsonAsync($"{RunnerUrl}/api/v1/runs", request, cancellationToken);
        return await JsonOfAsync(response, cancellationToken);
    }

    internal async Task<JsonElement> GetRunAsync(string run, int waitSeconds, CancellationToken cancellationToken)
    {
        using var response = await _http.GetAsync($"{RunnerUrl}/api/v1/runs/{run}?wait={waitSeconds}", cancellationToken);
        return await JsonOfAsync(response, cancellationToken);
    }

    internal async Task<JsonElement> ProveAsync(string run, CancellationToken cancellationToken)
    {
        using var response = await _http.GetAsync($"{VerifierUrl}/api/v1/runs/{run}/proof?include_payloads=true", cancellationToken);
        Assert.True((int)response.StatusCode < 500, _verifier!.Output);
        return await JsonOfAsync(response, cancellationToken);
    }

    /// <summary>The verifier key of the tenant's log, as the verifier publishes it.</summary>
    internal async Task<string> VerifierKeyAsync(CancellationToken cancellationToken)
    {
        using var response = await _http.GetAsync($"{VerifierUrl}/.well-known/runproof", cancellationToken);
        var logs = (await JsonOfAsync(response, cancellationToken)).GetProperty("logs").EnumerateArray();
        return logs.Single(log => log.GetProperty("tenant_id").GetString() == "dev").GetProperty("keys")[0].GetProperty("verifier_key").GetString()!;
    }

    /// <summary>What a service answers to a request that it refuses.</summary>
    internal async Task<string> TryCreateRunAsync(object request, CancellationToken cancellationToken)
    {
        using var response = await _http.PostAsJsonAsync($"{RunnerUrl}/api/v1/runs", request, cancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        return await response.Content.ReadAsStringAsync(cancellationToken);
    }

    internal async Task<JsonElement> JsonAsync(string url, CancellationToken cancellationToken)
    {
        using var response = await _http.GetAsync(url, cancellationToken);
        return await JsonOfAsync(response, cancellationToken);
    }

    internal async Task<HttpStatusCode> StatusAsync(string url, string? key, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (key is not null)
            request.Headers.Authorization = new("Bearer", key);
        using var anonymous = new HttpClient();
        using var response = await anonymous.SendAsync(request, cancellationToken);
        return response.StatusCode;
    }

    internal Task<(int ExitCode, string Output)> CommandLineAsync(CancellationToken cancellationToken, params string[] arguments) =>
        HostProcess.RunAsync("RunProof.Cli", _environment, cancellationToken, arguments);

    /// <summary>What somebody with the owner's rights does to a database: one statement, all triggers and foreign keys out of the way.</summary>
    internal async Task TamperAsync(string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(Owner);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            $"ALTER TABLE aos_traces DISABLE TRIGGER ALL; ALTER TABLE aos_trace_steps DISABLE TRIGGER ALL; {sql}; "
            + "ALTER TABLE aos_traces ENABLE TRIGGER ALL; ALTER TABLE aos_trace_steps ENABLE TRIGGER ALL;",
            connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    internal async Task<IReadOnlyList<object?[]>> QueryAsync(string sql, CancellationToken cancellationToken, params object[] parameters)
    {
        await using var connection = new NpgsqlConnection(Owner);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var parameter in parameters)
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<object?[]>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var row = new object?[reader.FieldCount];
            reader.GetValues(row!);
            rows.Add(row);
        }

        return rows;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (_runner is not null)
            await _runner.DisposeAsync();
        if (_secondRunner is not null)
            await _secondRunner.DisposeAsync();
        if (_verifier is not null)
            await _verifier.DisposeAsync();
        _keys.Delete(recursive: true);
    }

    private HostProcess StartHost(string project, string url, string role)
    {
        var environment = new Dictionary<string, string>(_environment, StringComparer.Ordinal)
        {
            ["ASPNETCORE_URLS"] = url,
            ["RunProof__Database__Username"] = $"runproof_{role}_login",
            ["RunProof__Database__Password"] = TestDatabase.RolePassword,
        };
        return HostProcess.Start(project, environment);
    }

    private async Task ReadyAsync(HostProcess host, string url, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(2));
        while (true)
        {
            Assert.False(host.HasExited, host.Output);
            try
            {
                using var response = await _http.GetAsync($"{url}/health", limit.Token);
                if (response.IsSuccessStatusCode)
                    return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                Assert.Fail($"{url} did not become healthy in two minutes:\n{host.Output}");
            }

            await Task.Delay(100, cancellationToken);
        }
    }

    private static async Task<JsonElement> JsonOfAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"{(int)response.StatusCode} {text}");
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}
