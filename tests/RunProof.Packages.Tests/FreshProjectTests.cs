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
        var lines = (await project.RunAsync("run", "--no-restore")).Succeeds().Output.TrimEnd('\n').Split('\n');
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
            var said = (await project.RunAsync("build", "--no-restore", "-v", "q", "--nologo")).Fails().Output;
            Assert.Matches(@"Wrong\.cs\(2,\d+\): error RP\d{4}: .*Anything", said);
        }
        finally
        {
            File.Delete(Path.Combine(project.Folder, "Wrong.cs"));
        }
    }
}
