namespace RunProof.Architecture.Tests;

/// <summary><c>tests/WALLS.md</c> says what holds between skills and a hostile world; here it is held to having a test for each.</summary>
public sealed class Walls
{
    private static readonly string[] Lines = File.ReadAllLines(Path.Combine(Repository.Root, "tests/WALLS.md"));

    private static IEnumerable<string[]> Rows => Lines.Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Select(line => line.Trim('|', ' ').Split(" | ")).Skip(2);

    [Fact]
    public void Every_row_says_what_holds_and_names_its_tests() =>
        Assert.All(Rows, row => Assert.True(row.Length == 4 && row.All(cell => cell.Length > 0) && NamedTests.In(row[3]).Any(), string.Join(" | ", row)));

    [Theory]
    [InlineData("SSRF", "http_call webhook_send llm_invoke mcp:* sql_query")]
    [InlineData("Path escape", "file_* shell mcp:*")]
    [InlineData("Header injection", "http_call webhook_send llm_invoke")]
    [InlineData("Oversized responses", "http_call webhook_send llm_invoke mcp:* file_* sql_query shell")]
    [InlineData("Slow responses", "http_call webhook_send mcp:* sql_query shell file_*")]
    [InlineData("Decompression bombs", "http_call llm_invoke")]
    [InlineData("Secrets in outputs", "http_call webhook_send llm_invoke mcp:* sql_query")]
    public void Every_wall_stands_before_every_skill_that_it_is_about(string wall, string skills) =>
        Assert.Empty(skills.Split(' ').Select(skill => $"`{skill}`").Except(Rows.Where(row => row[0] == wall).Select(row => row[1])));

    [Fact]
    public void Every_test_that_is_named_exists() =>
        Assert.Empty(Rows.SelectMany(row => NamedTests.In(row[3])).Where(test => !NamedTests.Exists(test)).Select(test => test.Value));

    [Fact]
    public void Whatever_stands_in_the_last_column_is_a_test() =>
        Assert.All(Rows.SelectMany(row => row[3].Split('`').Where((_, at) => at % 2 == 1)), text => Assert.True(NamedTests.IsOne(text), text));
}
