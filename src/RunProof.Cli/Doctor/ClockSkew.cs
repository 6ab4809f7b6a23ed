using System.Globalization;

namespace RunProof.Cli;

/// <summary>Clocks that disagree make evidence that disagrees with itself.</summary>
internal static class ClockSkew
{
    /// <summary>What is borne: leases of runs last 10 s.</summary>
    internal static readonly TimeSpan Most = TimeSpan.FromSeconds(3);

    /// <summary>Compares a clock with this machine's.</summary>
    /// <param name="name">Whose clock it is.</param>
    /// <param name="theirs">What it said.</param>
    /// <param name="ours">What ours said at about that time.</param>
    /// <param name="grain">How coarsely it speaks.</param>
    internal static Diagnosis Diagnose(string name, DateTimeOffset theirs, DateTimeOffset ours, TimeSpan grain)
    {
        var skew = theirs - ours;
        var words = string.Create(CultureInfo.InvariantCulture, $"{skew.TotalSeconds:+0.000;-0.000} s from this machine's");
        return skew.Duration() <= Most + grain
            ? Diagnosis.Good(name, words)
            : Diagnosis.Bad(name, words, "set the clocks by NTP: times in evidence come from the runner's clock");
    }
}
