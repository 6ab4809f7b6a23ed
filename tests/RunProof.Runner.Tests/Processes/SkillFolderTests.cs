using System.Security.Cryptography;
using System.Text.Json;
using RunProof.Testing;

namespace RunProof.Runner.Tests;

/// <summary>Skills from a folder, in the runner as it is deployed.</summary>
public sealed class SkillFolderTests(RunnerFixture fixture) : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("runproof-skills-").FullName;
    private TestDatabase _database = null!;

    public async ValueTask InitializeAsync() => _database = await fixture.CreateDatabaseAsync();

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData("Acme.Skills/Acme.Skills.dll")]
    [InlineData("Acme.Skills.dll")]
    public async Task A_skill_of_ten_lines_is_loaded_listed_executed_and_its_file_is_in_the_evidence(string file)
    {
        var digest = Put(file);
        await using var runner = await RunnerProcess.StartAsync(_database.RunnerConnectionString, ("RunProof__Runner__SkillFolder", _folder));
        var client = await runner.ClientAsync(await Store.CreateKeyAsync(_database, "acme", "runner"));

        var greet = (await client.GetAsync("/api/v1/skills")).Body.GetProperty("items").EnumerateArray().Single(skill => skill.GetProperty("name").GetString() == "greet");
        Assert.Equal($$"""{"file":"{{file}}","sha256":"{{digest}}"}""", greet.GetProperty("assembly").GetRawText());

        var run = await client.PostAsync("/api/v1/runs", ApiClient.Run(await client.CreateAgentAsync(), """[{"skill":"greet","params":{"name":"Ada"}}]""", ",\"wait\":60"));
        Assert.Equal("succeeded", run["status"]);
        Assert.Equal("""{"text":"Hello, Ada!"}""", await Store.ScalarAsync(_database, "SELECT outcome_data FROM aos_trace_steps WHERE trace_id = $1", run["trace_id"]!));
        var context = JsonElement.Parse((string)(await Store.ScalarAsync(_database, "SELECT context FROM aos_traces WHERE trace_id = $1", run["trace_id"]!))!);
        Assert.Equal($$"""{"{{file}}":"{{digest}}"}""", context.GetProperty("skill_assemblies").GetRawText());
    }

    [Fact]
    public async Task The_readme_s_lines_build_the_sample_into_the_folder_and_its_plan_runs()
    {
        // The line as it stands there, but for where it publishes to.
        var line = (await File.ReadAllLinesAsync(Path.Combine(Readme.Root(), "README.md"))).Single(one => one.TrimStart().StartsWith("dotnet publish tests/RunProof.SkillFolder.Sample", StringComparison.Ordinal));
        var command = line.Split('#')[0].Replace("-o skills/Acme.Skills", $"-o {_folder}/Acme.Skills", StringComparison.Ordinal);
        using (var shell = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("sh", ["-c", command + " -p:RunAnalyzers=false >&2"]) { WorkingDirectory = Readme.Root() })!)
        {
            await shell.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(10));
            Assert.Equal(0, shell.ExitCode);
        }

        await using var runner = await RunnerProcess.StartAsync(_database.RunnerConnectionString, ("RunProof__Runner__SkillFolder", _folder));
        var client = await runner.ClientAsync(await Store.CreateKeyAsync(_database, "acme", "runner"));
        var plan = await File.ReadAllTextAsync(Path.Combine(Readme.Root(), "tests", "RunProof.SkillFolder.Sample", "plan.json"));
        Assert.Contains("--plan tests/RunProof.SkillFolder.Sample/plan.json", await File.ReadAllTextAsync(Path.Combine(Readme.Root(), "README.md")), StringComparison.Ordinal);

        var run = await client.PostAsync("/api/v1/runs", ApiClient.Run(await client.CreateAgentAsync(), plan, ",\"wait\":60"));

        Assert.Equal("succeeded", run["status"]);
        Assert.Equal("""{"text":"Hello, Ada!"}""", await Store.ScalarAsync(_database, "SELECT outcome_data FROM aos_trace_steps WHERE trace_id = $1", run["trace_id"]!));
        Assert.Equal(["greet"], await SourceLinesAsync());
    }

    // Nothing registers it: the sample has one file of source, and no other names its skill.
    private static async Task<IEnumerable<string>> SourceLinesAsync()
    {
        var files = Directory.GetFiles(Path.Combine(Readme.Root(), "tests", "RunProof.SkillFolder.Sample"), "*.cs");
        var lines = await File.ReadAllLinesAsync(Assert.Single(files));
        Assert.InRange(lines.Count(line => line.Trim().Length > 0 && !line.TrimStart().StartsWith("///", StringComparison.Ordinal)), 1, 10);
        return lines.Where(line => line.Contains("[Skill(", StringComparison.Ordinal)).Select(line => line.Split('"')[1]);
    }

    [Fact]
    public async Task A_library_beside_the_skills_is_in_the_evidence_and_the_contract_is_the_runners_own()
    {
        Put("Acme.Skills/Acme.Skills.dll");
        File.Copy(Path.Combine(AppContext.BaseDirectory, "RunProof.Skills.dll"), Path.Combine(_folder, "Acme.Skills", "RunProof.Skills.dll"));
        File.Copy(Path.Combine(AppContext.BaseDirectory, "xunit.v3.assert.dll"), Path.Combine(_folder, "Acme.Skills", "Acme.Library.dll"));
        await using var runner = await RunnerProcess.StartAsync(_database.RunnerConnectionString, ("RunProof__Runner__SkillFolder", _folder));
        var client = await runner.ClientAsync(await Store.CreateKeyAsync(_database, "acme", "runner"));

        var run = await client.PostAsync("/api/v1/runs", ApiClient.Run(await client.CreateAgentAsync(), """[{"skill":"greet","params":{"name":"Ada"}}]""", ",\"wait\":60"));

        Assert.Equal("succeeded", run["status"]);
        var context = JsonElement.Parse((string)(await Store.ScalarAsync(_database, "SELECT context FROM aos_traces WHERE trace_id = $1", run["trace_id"]!))!);
        Assert.Equal(["Acme.Skills/Acme.Library.dll", "Acme.Skills/Acme.Skills.dll"], context.GetProperty("skill_assemblies").EnumerateObject().Select(member => member.Name));
    }

    [Theory]
    [InlineData("gone", "does not exist")]
    [InlineData("text", "is no assembly that can be read")]
    [InlineData("no-skills", "has skills")]
    [InlineData("empty-package", "is no package of skills")]
    [InlineData("truncated", "Acme.Skills.dll")]
    [InlineData("twice", "two skills are called \"greet\"")]
    public async Task A_folder_that_will_not_do_is_named_in_one_line_and_the_runner_exits_2(string what, string words)
    {
        var folder = _folder;
        switch (what)
        {
            case "gone":
                folder = Path.Combine(_folder, "gone");
                break;
            case "text":
                await File.WriteAllTextAsync(Path.Combine(_folder, "Acme.Skills.dll"), "no assembly");
                break;
            case "no-skills":
                File.Copy(Path.Combine(AppContext.BaseDirectory, "xunit.v3.assert.dll"), Path.Combine(_folder, "Acme.Library.dll"));
                break;
            case "empty-package":
                Directory.CreateDirectory(Path.Combine(_folder, "Acme.Skills"));
                break;
            case "truncated":
                Put("Acme.Skills.dll");
                var whole = await File.ReadAllBytesAsync(Path.Combine(_folder, "Acme.Skills.dll"));
                await File.WriteAllBytesAsync(Path.Combine(_folder, "Acme.Skills.dll"), whole[..(whole.Length / 3)]);
                break;
            case "twice":
                Put("Acme.Skills/Acme.Skills.dll");
                Put("Acme.Skills.dll");
                break;
        }

        await using var runner = RunnerProcess.Start(_database.RunnerConnectionString, ("RunProof__Runner__SkillFolder", folder));

        Assert.Equal(2, await runner.EndAsync());
        Assert.StartsWith("runner: ", runner.Output, StringComparison.Ordinal);
        Assert.Contains(words, runner.Output, StringComparison.Ordinal);
        Assert.Single(runner.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData("RunProof__Files__Root", "relative/path", "absolute path")]
    [InlineData("RunProof__Webhooks__orders__Url", "https://example.com/", "\"orders\"")]
    [InlineData("RunProof__Sql__shop__ConnectionString", "Host=db", "\"shop\"")]
    [InlineData("RunProof__Shell__sh__Path", "/bin/sh", "\"sh\"")]
    [InlineData("RunProof__Models__m__ApiKey", "s3cret", "\"m\" needs a Model")]
    [InlineData("RunProof__Models__m__ApiKye", "s3cret", "RunProof:Models:m:ApiKye is no setting")]
    [InlineData("RunProof__Models__m__Price__Input", "2,50", "RunProof:Models:m:Price:Input must be")]
    [InlineData("RunProof__Prompts__clerk__File", "/no/such/file", "RunProof:Prompts:clerk:File must be a file")]
    public async Task Settings_of_skills_that_cannot_be_meant_are_told_in_one_line_and_the_runner_exits_2(string variable, string value, string words)
    {
        await using var runner = RunnerProcess.Start(_database.RunnerConnectionString, (variable, value));

        Assert.Equal(2, await runner.EndAsync());
        Assert.Contains(words, runner.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", runner.Output, StringComparison.Ordinal);
        Assert.Single(runner.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>Puts the sample's assembly into the folder, as publishing would.</summary>
    /// <returns>Its SHA-256.</returns>
    private string Put(string file)
    {
        var from = Path.Combine(AppContext.BaseDirectory, "sample", "Acme.Skills.dll");
        var to = Path.Combine(_folder, file);
        Directory.CreateDirectory(Path.GetDirectoryName(to)!);
        File.Copy(from, to);
        return Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(to)));
    }
}
