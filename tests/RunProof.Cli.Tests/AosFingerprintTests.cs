using System.Text.Json;

namespace RunProof.Cli.Tests;

/// <summary>The five roots that AOS's reports printed, and what they are worth.</summary>
public sealed class AosFingerprintTests
{
    public static TheoryData<string, string[], string> Reports => new()
    {
        {
            "run-proof-test-001", ["0:validate_input:succeeded", "1:process_data:succeeded", "2:generate_report:succeeded"],
            "0ca74e198c14a378a33c2ecad49ac725c74f3c33cce6dc1512fb32b258654c32"
        },
        { "78d877a8-9f1e-4bf5-b060-1d5e23949a68", ["0:http_call:failed"], "5583fbff25cd1129f6d19d662de123f367865ef69a24e0bc420040efc6480783" },
        { "cf6c5f9e-f642-4a86-ac8b-f61c689aaf72", ["0:http_call:failed"], "743a5cb677203925459007dec87fbba007afd816e6ef70f91c14102821e348bc" },
        { "cd6567f1-3398-403b-8243-68ef3291c7ad", ["0:http_call:succeeded"], "9122e46a89bc7d832aa98a827e2c436e149a341dfc3248fd30a3b24bfaada44d" },
        { "89ceeaba-1aa4-42ad-b93e-4bdcd72d75b6", ["0:http_call:succeeded"], "d4ce6cf4a8984214901e97b1635ecec3a7562e401b1015680535b18ab35b35b8" },
    };

    [Theory]
    [MemberData(nameof(Reports))]
    public async Task Gives_the_fingerprints_that_AOS_reported(string run, string[] steps, string fingerprint)
    {
        var result = await CliProcess.RunAsync(["aos", "fingerprint", "--run-id", run, .. steps.SelectMany(step => new[] { "--step", step })]);
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(fingerprint + "\n", result.Output);
        Assert.Contains("for comparison only", result.Error, StringComparison.Ordinal);
        Assert.Contains("proves nothing", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_json_it_says_that_it_proves_nothing()
    {
        var result = await CliProcess.RunAsync("aos", "fingerprint", "--run-id", "89ceeaba-1aa4-42ad-b93e-4bdcd72d75b6", "--step", "0:http_call:succeeded", "--json");
        Assert.Equal(0, result.ExitCode);
        Assert.Empty(result.Error);
        Snapshot.Matches("aos-fingerprint", result.Output);
    }

    [Theory]
    [InlineData("0:http_call", "is not INDEX:SKILL:STATUS")]
    [InlineData("x:http_call:succeeded", "x is not a step index")]
    [InlineData("-1:http_call:succeeded", "-1 is not a step index")]
    [InlineData("0:http_call:success", "write succeeded")]
    [InlineData("0:http_call:banana", "banana is not a step's status")]
    public async Task A_step_that_cannot_be_read_is_refused_with_a_remedy(string step, string complaint)
    {
        var result = await CliProcess.RunAsync("aos", "fingerprint", "--run-id", "r", "--step", step);
        Assert.Equal(2, result.ExitCode);
        Assert.Empty(result.Output);
        Assert.Contains(complaint, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_skills_name_may_hold_colons()
    {
        var split = await CliProcess.RunAsync("aos", "fingerprint", "--run-id", "r", "--step", "0:a:b:succeeded", "--json");
        Assert.Equal(
            Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("r0:a:b:success"u8)),
            JsonDocument.Parse(split.Output).RootElement.GetProperty("aos_fingerprint").GetString());
    }
}
