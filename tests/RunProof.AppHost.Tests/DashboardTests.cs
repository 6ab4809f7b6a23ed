using System.Net;
using System.Text;
using RunProof.EmbeddedPostgres;

namespace RunProof.AppHost.Tests;

public sealed class DashboardTests
{
    /// <summary>Set it to have the dashboard fetched for this test (130 MB); where it is in the cache the test runs anyway.</summary>
    private const string Variable = "RUNPROOF_TEST_DASHBOARD";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_real_dashboard_starts_and_takes_telemetry_from_those_that_know_its_key()
    {
        var installer = new DashboardInstaller(CacheFolder.Default);
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 })
            await installer.InstallAsync(Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, Ct);
        Assert.SkipUnless(installer.IsInstalled, $"The dashboard is not in the cache; {Variable}=1 fetches it.");
        var folder = Directory.CreateTempSubdirectory("rp-");
        var options = new LocalOptions { AppHostFolder = folder.FullName, DataFolder = folder.FullName, Out = TextWriter.Null };
        await using (var dashboard = new Dashboard(options, new DataFolder(folder.FullName), new Screen(TextWriter.Null, TimeProvider.System, 9), new Ports()))
        {
            await dashboard.StartIfInstalledAsync(Ct);
            using var gate = new HealthGate(TimeSpan.FromSeconds(60));
            Assert.Null(await gate.WaitAsync($"{dashboard.Page}/health", new TaskCompletionSource<int>().Task, Ct));
            Assert.Contains("/login?t=", dashboard.Line, StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.OK, await SendAsync(dashboard.HttpEndpoint, dashboard.Target!.ApiKey));
            Assert.Equal(HttpStatusCode.Unauthorized, await SendAsync(dashboard.HttpEndpoint, "another"));
        }
        folder.Delete(recursive: true);
    }

    [Fact]
    public void Switched_off_there_is_no_dashboard_and_no_telemetry_variable()
    {
        var options = new LocalOptions { AppHostFolder = "/", DataFolder = "/", Dashboard = false };
        var dashboard = new Dashboard(options, new DataFolder("/"), new Screen(TextWriter.Null, TimeProvider.System, 9), new Ports());
        Assert.Null(dashboard.Target);
        Assert.Contains("RUNPROOF_DASHBOARD=off", dashboard.Line, StringComparison.Ordinal);
    }

    private static async Task<HttpStatusCode> SendAsync(string endpoint, string key)
    {
        using var client = new HttpClient();
        client.DefaultRequestHeaders.Add("x-otlp-api-key", key);
        using var body = new StringContent("""{"resourceSpans":[]}""", Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync(new Uri($"{endpoint}/v1/traces"), body, Ct);
        return answer.StatusCode;
    }
}
