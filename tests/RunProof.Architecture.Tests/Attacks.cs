namespace RunProof.Architecture.Tests;

/// <summary><c>src/ATTACKS.md</c> says which check finds which attack of the database's owner; here it is held to having a test for each.</summary>
public sealed class Attacks
{
    private static readonly string[] Lines = File.ReadAllLines(Path.Combine(Repository.Root, "src/ATTACKS.md"));

    private static IEnumerable<string> Rows => Lines.Where(line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| ---", StringComparison.Ordinal) && !line.EndsWith("| Tests |", StringComparison.Ordinal));

    [Fact]
    public void Every_attack_has_its_check_and_its_test()
    {
        Assert.True(Rows.Count() >= 25, $"only {Rows.Count()} attacks");
        Assert.All(Rows, row =>
        {
            var cells = row.Trim('|', ' ').Split(" | ");
            Assert.True(cells.Length == 4 && cells.All(cell => cell.Length > 0) && NamedTests.In(cells[3]).Any(), row);
        });
    }

    [Fact]
    public void Every_test_that_is_named_exists() =>
        Assert.Empty(Lines.SelectMany(NamedTests.In).Where(test => !NamedTests.Exists(test)).Select(test => test.Value));

    [Fact]
    public void Whatever_stands_in_the_last_column_is_a_test() =>
        Assert.All(Rows.SelectMany(row => row.Split('|')[4].Split('`').Where((_, at) => at % 2 == 1)), text => Assert.True(NamedTests.IsOne(text), text));

    /// <summary>No attack is tested and left out of the table.</summary>
    [Fact]
    public void Every_test_of_an_attack_is_in_the_table()
    {
        var page = string.Join('\n', Lines);
        var tests = Repository.SourceFiles("tests/RunProof.Verifier.Tests/Attacks").SelectMany(file =>
            File.ReadAllText(file).Split("public async Task ").Skip(1).Select(text => $"`Verifier/{Path.GetFileNameWithoutExtension(file)}.{text[..text.IndexOf('(', StringComparison.Ordinal)]}`")).ToList();
        Assert.True(tests.Count > 20, $"only {tests.Count} tests found");
        Assert.All(tests, test => Assert.Contains(test, page, StringComparison.Ordinal));
    }
}
