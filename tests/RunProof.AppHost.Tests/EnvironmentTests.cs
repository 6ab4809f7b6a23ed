using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace RunProof.AppHost.Tests;

/// <summary>The variables are Aspire's: see Aspire's own connection-properties specification and its service discovery.</summary>
public sealed class EnvironmentTests
{
    [Fact]
    public async Task A_reference_to_a_database_and_to_services_is_told_as_Aspire_tells_it()
    {
        await using var model = new LocalModel();
        var file = Path.Combine(model.Folder, "environment.json");
        var password = model.Builder.AddParameter("postgres-password", new GenerateParameterDefault { MinLength = 30, Special = false }, secret: true, persist: true);
        var postgres = model.Builder.AddPostgres("postgres", password: password).WithDataVolume();
        var database = postgres.AddDatabase("runproofdb");
        var backend = model.AddWeb("back-end");
        var login = ReferenceExpression.Create(
            $"Host={postgres.Resource.Host};Port={postgres.Resource.Port};Username={"someone"};Password={password};Database={database.Resource.DatabaseName}");
        model.Add("reader", "environment", file).WithReference(database).WithReference(backend).WithEnvironment("LOGIN", login).WaitFor(database).WaitFor(backend);
        await model.StartAsync();
        var seen = await ReadAsync(file);
        var secret = (await password.Resource.GetValueAsync())!;
        var port = seen["RUNPROOFDB_PORT"];
        Assert.Equal(30, secret.Length);
        Assert.Equal($"Host=127.0.0.1;Port={port};Username=postgres;Password={secret};Database=runproofdb", seen["ConnectionStrings__runproofdb"]);
        Assert.Equal($"Host=127.0.0.1;Port={port};Username=someone;Password={secret};Database=runproofdb", seen["LOGIN"]);
        Assert.Equal("127.0.0.1", seen["RUNPROOFDB_HOST"]);
        Assert.Equal("postgres", seen["RUNPROOFDB_USERNAME"]);
        Assert.Equal(secret, seen["RUNPROOFDB_PASSWORD"]);
        Assert.Equal("runproofdb", seen["RUNPROOFDB_DATABASENAME"]);
        Assert.Equal($"postgresql://postgres:{secret}@127.0.0.1:{port}/runproofdb", seen["RUNPROOFDB_URI"]);
        Assert.Equal($"jdbc:postgresql://127.0.0.1:{port}/runproofdb", seen["RUNPROOFDB_JDBCCONNECTIONSTRING"]);
        Assert.Equal(backend.Resource.Url, seen["services__back-end__http__0"]);
        Assert.Equal(backend.Resource.Url, seen["BACK_END_HTTP"]);
        Assert.DoesNotContain("ASPNETCORE_URLS", seen.Keys);
        Assert.DoesNotContain(seen.Keys, name => name.StartsWith("OTEL_", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Telemetry_is_told_as_Aspire_tells_it()
    {
        await using var model = new LocalModel();
        var project = model.AddWeb("runner").WithHttpEndpoint(port: 4321).Resource;
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal) { ["ASPNETCORE_URLS"] = "http://of-the-host", ["PATH"] = "/bin" };
        await new ProjectEnvironment(new OtlpTarget("http://localhost:18889", "secret")).ApplyAsync(project, environment, TestContext.Current.CancellationToken);
        Assert.Equal("http://localhost:4321", environment["ASPNETCORE_URLS"]);
        Assert.Equal("http://localhost:18889", environment["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        Assert.Equal("grpc", environment["OTEL_EXPORTER_OTLP_PROTOCOL"]);
        Assert.Equal("x-otlp-api-key=secret", environment["OTEL_EXPORTER_OTLP_HEADERS"]);
        Assert.Equal("runner", environment["OTEL_SERVICE_NAME"]);
        Assert.StartsWith("service.instance.id=", environment["OTEL_RESOURCE_ATTRIBUTES"], StringComparison.Ordinal);
        Assert.Equal("/bin", environment["PATH"]);
    }

    [Theory]
    [InlineData("runproofdb", "RUNPROOFDB")]
    [InlineData("back-end", "BACK_END")]
    [InlineData("2nd", "_2ND")]
    public void A_prefix_is_safe_for_a_variable(string name, string prefix) => Assert.Equal(prefix, ProjectEnvironment.Prefix(name));

    [Fact]
    public async Task A_second_start_has_the_same_parameters_and_the_same_data()
    {
        await using var model = new LocalModel();
        var first = await StartAsync(model, "first");
        await using var again = new LocalModel(model.Folder);
        var second = await StartAsync(again, "second");
        Assert.Equal(first["RUNPROOFDB_PASSWORD"], second["RUNPROOFDB_PASSWORD"]);
        Assert.Equal(first["KEY"], second["KEY"]);
        Assert.StartsWith("rpk_", first["KEY"], StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(model.Folder, "data", "parameters.json")));
    }

    [Fact]
    public void A_parameter_file_that_cannot_be_read_says_what_to_do()
    {
        var folder = Directory.CreateTempSubdirectory("rp-").FullName;
        File.WriteAllText(Path.Combine(folder, "parameters.json"), "{ not json");
        var refused = Assert.Throws<InvalidDataException>(() => new ParameterStore(folder).Get("any", new GenerateParameterDefault(), persist: true));
        Assert.Contains("Mend it, or remove it", refused.Message, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    private static async Task<Dictionary<string, string>> StartAsync(LocalModel model, string name)
    {
        var file = Path.Combine(model.Folder, $"{name}.json");
        var key = model.Builder.AddParameter("development-api-key", new GenerateParameterDefault { MinLength = 43, Special = false }, secret: true, persist: true);
        var database = model.Builder.AddPostgres("postgres").WithDataVolume().AddDatabase("runproofdb");
        model.Add("reader", "environment", file).WithReference(database).WithEnvironment("KEY", ReferenceExpression.Create($"rpk_{key}")).WaitFor(database);
        await model.StartAsync();
        var seen = await ReadAsync(file);
        Assert.Contains($"API key {seen["KEY"]}", model.Table, StringComparison.Ordinal);
        Assert.Equal(0, await model.StopAsync());
        return seen;
    }

    private static async Task<Dictionary<string, string>> ReadAsync(string file) =>
        JsonSerializer.Deserialize<Dictionary<string, string>>(await File.ReadAllTextAsync(file))!;
}
