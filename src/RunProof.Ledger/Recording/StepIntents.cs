using System.Collections;
using System.Globalization;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// All steps that are announced: under way, or about to begin. Kept beside the trace's head, replaced whole by each write, so that a crash leaves the name and time of
/// everything whose outcome it hides. Mostly one.
/// </summary>
public readonly struct StepIntents : IReadOnlyList<StepIntent>, IEquatable<StepIntents>
{
    /// <summary>The most that may be announced at once: a plan's parallel branches, with room to spare.</summary>
    public const int Most = 256;

    private readonly StepIntent? _first;
    private readonly StepIntent[]? _others;

    private StepIntents(StepIntent first, StepIntent[]? others) => (_first, _others) = (first, others);

    /// <summary>None.</summary>
    public static StepIntents None => default;

    /// <inheritdoc/>
    public int Count => _first is null ? 0 : 1 + (_others?.Length ?? 0);

    /// <summary>The first, by its place in the plan; null where there is none.</summary>
    public StepIntent? First => _first;

    /// <inheritdoc/>
    public StepIntent this[int index] =>
        index == 0 && _first is not null ? _first : _others is not null && index > 0 ? _others[index - 1] : throw new ArgumentOutOfRangeException(nameof(index));

    /// <summary>One, or none.</summary>
    /// <param name="only">The step, or null.</param>
    public static implicit operator StepIntents(StepIntent? only) => only is null ? default : new(only, null);

    /// <summary>Several.</summary>
    /// <param name="intents">Each step of a plan at most once, in any order.</param>
    /// <exception cref="ArgumentException">A step is among them twice.</exception>
    public static StepIntents Of(IEnumerable<StepIntent> intents)
    {
        var all = intents.ToArray();
        if (all.Length < 2)
            return all.Length == 0 ? default : all[0];
        Array.Sort(all, static (one, other) => one.PlanIndex.CompareTo(other.PlanIndex));
        for (var i = 1; i < all.Length; i++)
        {
            if (all[i].PlanIndex == all[i - 1].PlanIndex)
                throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"step {all[i].PlanIndex} of the plan is announced twice"), nameof(intents));
        }

        return new(all[0], all[1..]);
    }

    /// <summary>What a store reads back: the first, and the text that <see cref="OthersText"/> wrote.</summary>
    /// <param name="first">The first, or null.</param>
    /// <param name="others">The text, or null.</param>
    /// <exception cref="FormatException">The text is none of those.</exception>
    public static StepIntents Read(StepIntent? first, string? others)
    {
        if (first is null || others is null)
            return first;
        try
        {
            using var document = JsonDocument.Parse(others);
            return new(first, [.. document.RootElement.EnumerateArray().Select(Read)]);
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException or IndexOutOfRangeException)
        {
            throw new FormatException("the announced steps of a trace cannot be read", unreadable);
        }
    }

    /// <summary>All but the first as JSON text, <c>[[plan index, attempt, "time"], …]</c>; null where there are none.</summary>
    public string? OthersText() => _others is null ? null
        : "[" + string.Join(',', _others.Select(one =>
            string.Create(CultureInfo.InvariantCulture, $"[{one.PlanIndex},{one.Attempt},\"{WireTime.ToText(WireTime.Truncate(one.StartedAt))}\"]"))) + "]";

    /// <inheritdoc/>
    public IEnumerator<StepIntent> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
            yield return this[i];
    }

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(StepIntents other) => _first == other._first && (_others ?? []).AsSpan().SequenceEqual(other._others ?? []);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is StepIntents other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_first, Count);

    /// <summary>Whether two are the same steps.</summary>
    public static bool operator ==(StepIntents one, StepIntents other) => one.Equals(other);

    /// <summary>Whether two differ.</summary>
    public static bool operator !=(StepIntents one, StepIntents other) => !one.Equals(other);

    private static StepIntent Read(JsonElement one) => new(
        one[0].GetInt32(), one[1].GetInt32(), one[2].GetDateTimeOffset());
}
