using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests;

/// <summary>The generated source of every sample, as it is committed under Snapshots/.</summary>
public sealed class GeneratedSourceTests
{
    private static readonly Lazy<SortedDictionary<string, string>> Sources = new(static () => Generation.Sources(Repository.Samples()));

    public static TheoryData<string> HintNames() => [.. Sources.Value.Keys];

    [Theory]
    [MemberData(nameof(HintNames))]
    public void Generated_source_is_as_committed(string hintName) => Snapshot.Matches("Source." + Short(hintName), "cs", Sources.Value[hintName]);

    [Fact]
    public void No_committed_source_is_left_over() =>
        Assert.Equal(Sources.Value.Keys.Select(static name => "Source." + Short(name)).Order(StringComparer.Ordinal), Snapshot.Committed("Source.").Order(StringComparer.Ordinal));

    private static string Short(string hintName) => hintName.Replace("RunProof.Generators.Tests.Samples.", "", StringComparison.Ordinal).Replace(".g.cs", "", StringComparison.Ordinal);
}
