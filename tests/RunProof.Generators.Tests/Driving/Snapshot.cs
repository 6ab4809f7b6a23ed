using System.Text;

namespace RunProof.Generators.Tests.Driving;

/// <summary>
/// Compares a text with the one that is committed. On a difference it writes <c>NAME.received.EXT</c> beside <c>NAME.verified.EXT</c> and fails;
/// who wants the new text renames the file.
/// </summary>
internal static class Snapshot
{
    private static string Folder => Path.Combine(Repository.Project, "Snapshots");

    public static void Matches(string name, string extension, string text)
    {
        var verified = Path.Combine(Folder, $"{name}.verified.{extension}");
        var received = Path.Combine(Folder, $"{name}.received.{extension}");
        var expected = File.Exists(verified) ? File.ReadAllText(verified).Replace("\r\n", "\n", StringComparison.Ordinal) : null;
        if (expected == text)
        {
            File.Delete(received);
            return;
        }

        File.WriteAllText(received, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        Assert.Fail(expected is null ? $"{name} has no verified text yet; see {received}" : $"{name} differs from its verified text:\n{Difference(expected, text)}");
    }

    /// <summary>Names of snapshots that are committed, without the extensions.</summary>
    public static IEnumerable<string> Committed(string prefix) => Directory.GetFiles(Folder, prefix + "*.verified.*")
        .Select(static file => Path.GetFileName(file))
        .Select(static file => file[..file.IndexOf(".verified.", StringComparison.Ordinal)]);

    private static string Difference(string expected, string received)
    {
        var (old, now) = (expected.Split('\n'), received.Split('\n'));
        var first = 0;
        while (first < old.Length && first < now.Length && old[first] == now[first])
            first++;
        var difference = new StringBuilder().Append("from line ").Append(first + 1).Append(" on\n");
        foreach (var line in old.Skip(first).Take(8))
            difference.Append("- ").Append(line).Append('\n');
        foreach (var line in now.Skip(first).Take(8))
            difference.Append("+ ").Append(line).Append('\n');
        return difference.ToString();
    }
}
