namespace RunProof.Verification.Tests;

/// <summary>The tampered bundles of the independent implementation, as evidence.</summary>
public sealed class TamperedVectors
{
    /// <summary>Cases that no trace read from columns can have, each with why.</summary>
    private static readonly Dictionary<string, string> NotAboutColumns = new(StringComparer.Ordinal)
    {
        ["log-entry-run"] = "the log is no part of a trace's columns",
        ["log-path"] = "the log is no part of a trace's columns",
        ["log-path-short"] = "the log is no part of a trace's columns",
        ["log-size"] = "the log is no part of a trace's columns",
        ["log-other-tenant"] = "the log is no part of a trace's columns",
        ["log-signature"] = "the log is no part of a trace's columns",
        ["unknown-member"] = "a table has the columns it has",
        ["other-format"] = "the bundle's own member: of a trace it is header-format",
        ["payload-stranger"] = "a payload stands beside its commitment, none is left over",
    };

    /// <summary>A forger with every hash and without the log's key: what the chain alone cannot see, and what every verdict says was not checked.</summary>
    private static readonly string[] OnlyTheLogTells = ["forged-relinked", "forged-relinked-entry"];

    /// <summary>Where INDEX.tsv allows several places or names a bundle's own, the one that we name.</summary>
    private static readonly Dictionary<string, string> OurPlace = new(StringComparer.Ordinal)
    {
        // Named more precisely than in the index: the record, because the former value cannot be guessed.
        ["drop-last-step"] = "seal.chain_length",
        ["drop-middle-step"] = "steps[20]",
        ["swap-steps"] = "steps[3]",
        ["repeat-step"] = "steps[10]",
        ["payload-text"] = "steps[2].params",
        ["payload-salt"] = "steps[2].params",
        ["link"] = "steps[11].link",
        ["header-format"] = "header.schema_version",
        ["step-schema"] = "steps[7]",
    };

    public static TheoryData<string> Cases => [.. Index().Select(row => row.File).Where(file => !NotAboutColumns.ContainsKey(file) && !OnlyTheLogTells.Contains(file))];

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_tampered_bundle_is_refused_at_its_place(string file)
    {
        var report = Evidence.From(Evidence.Load("tampered", file)).Verify();
        Assert.Equal("FAILED", report.Verdict.Name);
        var place = report.Findings[0].Place;
        if (OurPlace.TryGetValue(file, out var ours))
        {
            Assert.Equal(ours, place);
            return;
        }

        // "steps[7].status or root_hash": the column, or else its record.
        var allowed = Index().Single(row => row.File == file).Where.Split(" or ");
        Assert.Contains(allowed, named => named == place || named.StartsWith(place + ".", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("forged-relinked")]
    [InlineData("forged-relinked-entry")]
    public void A_chain_with_every_hash_recomputed_passes_and_the_verdict_says_that_the_log_was_not_checked(string file)
    {
        var report = Evidence.From(Evidence.Load("tampered", file)).Verify();
        Assert.Equal("VERIFIED", report.Verdict.Name);
        Assert.Equal(CheckStatus.NotDone, report.Checks.Single(check => check.Name == "LOG_INCLUSION").Status);
    }

    [Fact]
    public void Every_case_of_the_index_is_tried_or_explained()
    {
        var files = Index().Select(row => row.File).ToList();
        Assert.Equal(files.Count, Cases.Count + NotAboutColumns.Count + OnlyTheLogTells.Length);
        Assert.All(NotAboutColumns.Keys.Concat(OnlyTheLogTells), file => Assert.Contains(file, files));
    }

    private static IEnumerable<(string File, string Where)> Index() =>
        File.ReadLines(Path.Combine(Evidence.Vectors, "tampered", "INDEX.tsv")).Skip(1).Select(line => line.Split('\t')).Select(cells => (cells[0], cells[1]));
}
