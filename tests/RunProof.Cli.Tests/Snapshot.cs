using System.Runtime.CompilerServices;

namespace RunProof.Cli.Tests;

/// <summary>Compares a text with the file <c>Snapshots/&lt;name&gt;.verified.txt</c> beside the tests; writes <c>.received.txt</c> where they differ.</summary>
internal static class Snapshot
{
    internal static void Matches(string name, string actual, [CallerFilePath] string caller = "")
    {
        var folder = Path.Combine(Path.GetDirectoryName(caller)!, "Snapshots");
        var verified = Path.Combine(folder, name + ".verified.txt");
        var received = Path.Combine(folder, name + ".received.txt");
        var expected = File.Exists(verified) ? File.ReadAllText(verified) : null;
        if (expected?.TrimEnd('\n') == actual.TrimEnd('\n'))
        {
            File.Delete(received);
            return;
        }

        File.WriteAllText(received, actual);
        Assert.Fail($"{name}: differs from what was verified. Compare with {received} and rename it where it is right.");
    }
}
