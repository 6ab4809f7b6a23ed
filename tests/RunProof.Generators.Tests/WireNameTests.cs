using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests;

/// <summary>C# names and their wire names.</summary>
public sealed class WireNameTests
{
    [Theory]
    [InlineData("Url", "url")]
    [InlineData("URL", "url")]
    [InlineData("AgentId", "agent_id")]
    [InlineData("HTTPStatusCode", "http_status_code")]
    [InlineData("Sha256Hash", "sha256_hash")]
    [InlineData("SHA256Hash", "sha256_hash")]
    [InlineData("X1Y2", "x1_y2")]
    [InlineData("Step2Name", "step2_name")]
    [InlineData("A_B", "a_b")]
    [InlineData("lower", "lower")]
    [InlineData("aB", "a_b")]
    [InlineData("ÉtatCivil", "État_civil")]
    [InlineData("İIı", "İiı")]
    public void A_name_is_written_in_snake_case(string name, string wire)
    {
        var source = Generation.Sources(("A.cs", $"[RunProof.Format.Canonical] public sealed partial record A(int {name});"))["A.Canonical.g.cs"];
        var expected = string.Concat(wire.Select(static c => c <= '~' ? c.ToString() : $"\\u{(int)c:x4}"));
        Assert.Contains($"case \"{expected}\":", source, StringComparison.Ordinal);
    }
}
