using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace RunProof.Packages.Tests;

/// <summary>What a stranger has after one <c>PackageReference</c> to RunProof.Skills. Expected values are written by hand or computed here.</summary>
public sealed class FreshProjectTests(FreshProject project) : IClassFixture<FreshProject>
{
    private const string CanonicalSchema =
        """{"members":{"name":"string","of":"time?","times":"integer"},"name":"greet_parameters","version":"1"}""";

    [Fact]
    public async Task Ten_lines_print_their_schema_their_fingerprint_and_their_bytes()
    {
        await project.WriteAsync("Program.cs", FreshProject.Program);
        var lines = (await RunAsync()).TrimEnd('\n').Split('\n');
        Assert.Equal(3, lines.Length);

        using var schema = JsonDocument.Parse(lines[0]);
        Assert.Equal("object", schema.RootElement.GetProperty("type").GetString());
        Assert.Equal(["name"], schema.RootElement.GetProperty("required").EnumerateArray().Select(one => one.GetString()!));
        Assert.Equal("Whom.", schema.RootElement.GetProperty("properties").GetProperty("name").GetProperty("description").GetString());
        Assert.Equal(1, schema.RootElement.GetProperty("properties").GetProperty("times").GetProperty("default").GetInt32());

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(CanonicalSchema))), lines[1]);
        Assert.Equal("{\"name\":\"Ada \u20ac\",\"of\":\"1970-01-01T00:00:00.000000Z\",\"times\":2}", lines[2]);
    }

    [Fact]
    public async Task What_has_no_canonical_form_does_not_compile_and_the_place_is_named()
    {
        await project.WriteAsync("Wrong.cs", """
            [Canonical] public sealed partial record Wrong(string Text,
                object Anything);
            """);
        try
        {
            var said = (await BuildAsync()).Fails().Output;
            Assert.Matches(@"Wrong\.cs\(2,\d+\): error RP\d{4}: .*Anything", said);
        }
        finally
        {
            File.Delete(Path.Combine(project.Folder, "Wrong.cs"));
        }
    }

    [Fact]
    public async Task A_shape_that_has_shipped_cannot_change_under_its_version()
    {
        var file = Path.Combine(project.Folder, "canonical.lock.json");
        await project.WriteAsync("Program.cs", FreshProject.Program);
        try
        {
            // Released once: the lock is written, and the build says nothing any more.
            var taken = (await LockAsync()).Succeeds();
            Assert.Equal(
                $"added  record greet_parameters/1\nadded  record greeting/1\nadded  skill greet/1.0.0\n{file} holds 3 more: all 3 shapes of the build\n", taken.Output);
            var shipped = await File.ReadAllTextAsync(file);
            Assert.Contains(
                $"\"name\": \"greet_parameters\", \"version\": \"1\", \"fingerprint\": \"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(CanonicalSchema)))}\"", shipped, StringComparison.Ordinal);
            Assert.DoesNotContain("RP0", (await BuildAsync()).Succeeds().Output, StringComparison.Ordinal);

            // Drifted: an error at the member, from the analyzer and, where analyzers do not run, from the generator.
            await project.WriteAsync("Program.cs", FreshProject.Program.Replace("int Times = 1", "long Times = 1", StringComparison.Ordinal));
            var line = Array.FindIndex(FreshProject.Program.ReplaceLineEndings("\n").Split('\n'), text => text.Contains("int Times = 1", StringComparison.Ordinal)) + 1;
            var said = (await BuildAsync()).Fails().Output;
            Assert.Matches($@"Program\.cs\({line},\d+\): error RP0304: .*Times.*int32.*int64.*--never-shipped greet_parameters/1", said);
            Assert.Matches("error RP0306: .*greet", said);
            Assert.Matches(@"error CS1029: #error: '""?RP0304: ", (await BuildAsync("-p:RunAnalyzers=false")).Fails().Output);

            // Refused, in the same words, and then taken back by name.
            var refused = (await LockAsync()).Fails();
            Assert.Contains("record greet_parameters/1 has another shape than the lock's: Times: its type was int32 and is int64. Give it another Version", refused.Error, StringComparison.Ordinal);
            Assert.Equal(shipped, await File.ReadAllTextAsync(file));
            // The assembly is there by now, and says the same as its project.
            (await project.RunAsync(
                DotNet.RunProof, "canonical", "lock", "bin/Debug/net10.0/Greeter.dll", "--output", file, "--never-shipped", "greet_parameters/1", "--never-shipped", "greet/1.0.0")).Succeeds();
            Assert.Contains("\"property\": \"Times\", \"type\": \"int64\"", await File.ReadAllTextAsync(file), StringComparison.Ordinal);

            // The other way on: another version, and the shape that has shipped is still there to be read.
            await File.WriteAllTextAsync(file, shipped);
            await project.WriteAsync("Program.cs", "Console.WriteLine(CanonicalBytes.Read<Greeter.CanonicalHistory.GreetParametersV1>(\"\"\"{\"name\":\"Ada\",\"of\":null,\"times\":2}\"\"\"u8).Times);\n"
                + FreshProject.Program.Replace("int Times = 1", "long Times = 1", StringComparison.Ordinal).Replace("[Canonical] public sealed partial record GreetParameters", "[Canonical(Version = \"2\")] public sealed partial record GreetParameters", StringComparison.Ordinal)
                    .Replace("Version = \"1.0.0\"", "Version = \"2.0.0\"", StringComparison.Ordinal));
            Assert.StartsWith("2\n", await RunAsync(), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private async Task<string> RunAsync()
    {
        (await BuildAsync()).Succeeds();
        return (await project.RunAsync("run", "--no-build")).Succeeds().Output;
    }

    private Task<DotNet.Result> BuildAsync(params string[] options) => project.RunAsync(["build", "--no-restore", "-v", "q", "--nologo", .. options]);

    private Task<DotNet.Result> LockAsync(params string[] options) => project.RunAsync([DotNet.RunProof, "canonical", "lock", project.Folder, .. options]);
}
