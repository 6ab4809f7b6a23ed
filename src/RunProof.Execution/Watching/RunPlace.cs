using System.Globalization;
using System.Text.RegularExpressions;

namespace RunProof.Execution;

/// <summary>
/// How far who watches a run has been told of it. What is told next follows from this and from what is recorded, whichever process tells it: so a watch goes on from
/// its place anywhere, and nothing is told twice or left out.
/// </summary>
/// <param name="Attempt">The attempt, from 1.</param>
/// <param name="Next">The index of its step that is told next.</param>
/// <param name="Sealed">Whether its seal was told.</param>
/// <param name="Status">The run's status that was told last, of this attempt; empty where none was.</param>
public sealed partial record RunPlace(int Attempt, int Next, bool Sealed, string Status)
{
    /// <summary>Where nothing was told.</summary>
    public static RunPlace Beginning { get; } = new(1, 0, false, "");

    /// <summary>The place as the id of an event.</summary>
    public string Id => string.Create(CultureInfo.InvariantCulture, $"{Attempt}.{Next}{(Sealed ? "s" : "")}.{Status}");

    /// <summary>Where the next attempt begins.</summary>
    internal RunPlace NextAttempt => new(Attempt + 1, 0, false, "");

    /// <summary>Reads an event's id.</summary>
    /// <param name="id">Any text.</param>
    /// <param name="place">The place, where it is one.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse(string id, out RunPlace place)
    {
        place = Beginning;
        if (Form().Match(id) is not { Success: true } match)
            return false;
        place = new RunPlace(
            int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture), int.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture),
            match.Groups[3].Length > 0, match.Groups[4].Value);
        return true;
    }

    [GeneratedRegex("^([1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,7})(s?)\\.([a-z]{0,16})\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Form();
}
