using Aspire.Hosting.ApplicationModel;
using RunProof.ServiceDefaults;

namespace RunProof.AppHost;

/// <summary>What came of the acceptance run.</summary>
/// <param name="Text">For a person, or null where the model has none.</param>
/// <param name="Report">The file that it wrote, or null.</param>
/// <param name="ExitCode">0, 10 for FAIL, 2 when it came to no verdict.</param>
internal sealed record Verdict(string? Text, string? Report, int ExitCode)
{
    private const int Failed = 10;

    public static Verdict Of(IEnumerable<ResourceState> states)
    {
        var validate = states.FirstOrDefault(state => state.Resource is ProjectResource { Name: ResourceNames.Validate });
        if (validate is not { Child: { } child, Ended: { IsCompletedSuccessfully: true } ended })
            return new Verdict(Text: null, Report: null, 0);
        var report = child.Log.LastOutput.Where(line => line.StartsWith("REPORT ", StringComparison.Ordinal)).Select(line => line["REPORT ".Length..]).LastOrDefault();
        var said = child.Log.LastOutput.Where(line => line.StartsWith("VERDICT ", StringComparison.Ordinal)).Select(line => line["VERDICT ".Length..]).LastOrDefault();
        // Both must say so: an exit code without the words, or the words without it, is no pass.
        return (ended.Result, said) switch
        {
            (0, "PASS") => new Verdict("PASS", report, 0),
            (Failed, _) or (_, "FAIL") => new Verdict("FAIL", report, Failed),
            var (code, _) => new Verdict($"none: validate ended with exit code {code}; its log: {child.Log.FilePath}", report, 2),
        };
    }
}
