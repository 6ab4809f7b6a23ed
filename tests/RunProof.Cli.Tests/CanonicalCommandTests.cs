using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace RunProof.Cli.Tests;

/// <summary><c>canonical</c> against the published vectors of RFC 8785.</summary>
public sealed class CanonicalCommandTests
{
    private static readonly string[] Published = ["arrays", "french", "structures", "unicode", "values", "weird"];

    [Fact]
    public async Task Prints_the_published_output_of_each_file_on_a_line_of_its_own()
    {
        var result = await CliProcess.RunAsync(["canonical", .. Published.Select(name => Vectors.PathOf($"jcs/testdata/input/{name}.json"))]);
        var expected = Published.Select(name => File.ReadAllText(Vectors.PathOf($"jcs/testdata/output/{name}.json")).TrimEnd('\n'));
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(string.Concat(expected.Select(line => line + "\n")), result.Output);
    }

    [Fact]
    public async Task Gives_our_own_cases_to_the_byte()
    {
        using var cases = JsonDocument.Parse(File.ReadAllBytes(Vectors.PathOf("jcs/extra-cases.json")));
        var folder = Directory.CreateTempSubdirectory("runproof-canonical");
        try
        {
            var files = new List<string>();
            var expected = new StringBuilder();
            foreach (var accepted in cases.RootElement.GetProperty("accept").EnumerateArray())
            {
                files.Add(Path.Combine(folder.FullName, $"{files.Count}.json"));
                File.WriteAllText(files[^1], accepted.GetProperty("input").GetString());
                expected.Append(Encoding.UTF8.GetString(Convert.FromHexString(accepted.GetProperty("canonical_utf8_hex").GetString()!))).Append('\n');
            }

            Assert.NotEmpty(files);
            var result = await CliProcess.RunAsync(["canonical", .. files]);
            Assert.Equal(expected.ToString(), result.Output);
            Assert.Equal(0, result.ExitCode);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_dash_is_standard_input()
    {
        var result = await CliProcess.RunAsync(["canonical", "-"], [], "{ \"b\" : 1.0, \"a\" : [ ] }"u8.ToArray());
        Assert.Equal("{\"a\":[],\"b\":1}\n", result.Output);
    }

    [Theory]
    [InlineData("{\"a\":1,}", "line 1, column 8")]
    [InlineData("{\"é\":1,\n  \"é\":2}", "line 2, column")]
    [InlineData("{\"a\":NaN}", "line 1, column 6")]
    [InlineData("", "line 1, column 1")]
    public async Task Text_that_is_not_JSON_ends_with_2_and_the_place(string json, string place)
    {
        var result = await CliProcess.RunAsync(["canonical", "-"], [], Encoding.UTF8.GetBytes(json));
        Assert.Equal(2, result.ExitCode);
        Assert.Empty(result.Output);
        Assert.StartsWith($"runproof: -: {place}", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_bad_file_does_not_hide_the_good_ones()
    {
        var good = Vectors.PathOf("jcs/testdata/input/arrays.json");
        var result = await CliProcess.RunAsync(["canonical", "-", good], [], "{"u8.ToArray());
        Assert.Equal(2, result.ExitCode);
        Assert.Equal(File.ReadAllText(Vectors.PathOf("jcs/testdata/output/arrays.json")).TrimEnd('\n') + "\n", result.Output);
        Assert.StartsWith("runproof: -: ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_number_that_no_double_holds_is_rounded_as_the_RFC_says_and_refused_with_exact()
    {
        var input = "[333333333.33333329, 9007199254740993]"u8.ToArray();
        var nearest = await CliProcess.RunAsync(["canonical", "-"], [], input);
        var exact = await CliProcess.RunAsync(["canonical", "-", "--exact"], [], input);
        Assert.Equal("[333333333.3333333,9007199254740992]\n", nearest.Output);
        Assert.Equal(2, exact.ExitCode);
        Assert.Contains("line 1, column 2", exact.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_json_each_file_has_its_text_and_digest_or_its_error()
    {
        var result = await CliProcess.RunAsync(["canonical", "-", "--json"], [], "[ 1 ]"u8.ToArray());
        var item = JsonDocument.Parse(result.Output).RootElement.GetProperty("items")[0];
        Assert.Equal("[1]", item.GetProperty("canonical").GetString());
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData("[1]"u8)), item.GetProperty("sha256").GetString());
        var bad = await CliProcess.RunAsync(["canonical", "-", "--json"], [], "["u8.ToArray());
        Assert.Equal(2, bad.ExitCode);
        Assert.Contains("line 1", JsonDocument.Parse(bad.Output).RootElement.GetProperty("items")[0].GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_not_there_ends_with_2()
    {
        var result = await CliProcess.RunAsync("canonical", "/nowhere/at-all.json");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("/nowhere/at-all.json", result.Error, StringComparison.Ordinal);
    }
}
