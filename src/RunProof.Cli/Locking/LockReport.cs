using System.Globalization;
using System.Text.Json.Nodes;
using RunProof.Generators;

namespace RunProof.Cli;

/// <summary>What a lock was, what the build has, and what came of it.</summary>
/// <param name="file">The lock's file.</param>
/// <param name="before">The lock as it was.</param>
/// <param name="acceptance">What came of taking the build's shapes into it.</param>
/// <param name="shapes">How many records and skills the build has.</param>
internal sealed class LockReport(string file, LockFile before, LockAcceptance acceptance, int shapes)
{
    private readonly Dictionary<string, object> _was = Entries(before);
    private readonly Dictionary<string, object> _is = Entries(acceptance.File ?? before);

    /// <summary>The new lock; null where something speaks against it.</summary>
    internal LockFile? Accepted => acceptance.File;

    private string[] Added => [.. _is.Keys.Where(label => !_was.ContainsKey(label))];

    private string[] Removed => [.. _was.Keys.Where(label => !_is.ContainsKey(label))];

    private string[] Replaced => [.. _is.Where(entry => _was.TryGetValue(entry.Key, out var was) && !was.Equals(entry.Value)).Select(entry => entry.Key)];

    /// <summary>Whether there is anything to write down: a project without canonical types gets no lock.</summary>
    internal bool IsWorthAFile(string? text) => text is not null || shapes > 0;

    /// <summary>Says it.</summary>
    /// <param name="invocation">To whom.</param>
    /// <param name="check">Whether nothing was written, and a missing entry is a failure.</param>
    internal Answer ToAnswer(Invocation invocation, bool check)
    {
        if (!invocation.Json)
            Complain(invocation.World.Terminal.Error, check);
        var holds = acceptance.Problems.Count == 0 && !(check && Added.Length > 0);
        return new Answer(ToJson(check), page => Write(page, check), holds ? ExitCode.Ok : ExitCode.Error);
    }

    private JsonObject ToJson(bool check) => new()
    {
        ["lock"] = file,
        ["written"] = !check && acceptance.File is not null && (Added.Length > 0 || Removed.Length > 0 || Replaced.Length > 0),
        ["shapes"] = shapes,
        [check ? "missing" : "added"] = Array(Added),
        ["replaced"] = Array(Replaced),
        ["removed"] = Array(Removed),
        ["problems"] = Array(acceptance.Problems),
    };

    private void Complain(TextWriter error, bool check)
    {
        foreach (var problem in acceptance.Problems)
            error.WriteLine("runproof: " + Printable.Of(problem));
        if (acceptance.Problems.Count > 0 && !check)
            error.WriteLine($"  {Printable.Of(file)} was left as it was");
        if (check && Added.Length > 0)
            error.WriteLine("  take them in: runproof canonical lock");
    }

    private void Write(Page page, bool check)
    {
        if (acceptance.File is null)
            return;
        foreach (var (verb, labels) in new[] { (check ? "missing" : "added", Added), ("replaced", check ? [] : Replaced), ("removed", check ? [] : Removed) })
        {
            foreach (var label in labels)
                page.Line($"{verb}  {label}");
        }

        page.Line(Summary(check));
    }

    private string Summary(bool check)
    {
        if (shapes == 0)
            return "the build has no canonical record and no skill";
        var all = shapes == 1 ? "the one shape" : string.Create(CultureInfo.InvariantCulture, $"all {shapes} shapes");
        if (Added.Length == 0)
            return $"{file} holds {all} of the build";
        return check
            ? string.Create(CultureInfo.InvariantCulture, $"{file} lacks {Added.Length} of {all} of the build")
            : string.Create(CultureInfo.InvariantCulture, $"{file} holds {Added.Length} more: {all} of the build");
    }

    private static Dictionary<string, object> Entries(LockFile file) => file.Records.Select(record => ("record " + record.Label, (object)record))
        .Concat(file.Skills.Select(skill => ("skill " + skill.Label, (object)skill))).ToDictionary(entry => entry.Item1, entry => entry.Item2, StringComparer.Ordinal);

    private static JsonArray Array(IEnumerable<string> texts) => new([.. texts.Select(text => JsonValue.Create(text))]);
}
