using System.Globalization;

namespace RunProof.Verification;

/// <summary>What two executions of a plan differ in.</summary>
public static class DifferenceKinds
{
    /// <summary>What a step was called with.</summary>
    public const string Parameters = "parameters";

    /// <summary>How a step ended, or what came back.</summary>
    public const string Outcome = "outcome";

    /// <summary>A step was recorded after one that depends on it, in one of the traces and not in the other.</summary>
    public const string Order = "order";

    /// <summary>The skill, or its version.</summary>
    public const string SkillVersion = "skill_version";

    /// <summary>The canonical schema of the skill's parameters and outcome.</summary>
    public const string Schema = "schema";

    /// <summary>The origin has the step, the replay has not.</summary>
    public const string MissingStep = "missing_step";

    /// <summary>The replay has the step, the origin has not.</summary>
    public const string ExtraStep = "extra_step";

    /// <summary>What a step cost.</summary>
    public const string Cost = "cost";

    /// <summary>Where the outcome of a step that nothing was executed for is not the recorded one: the replay's evidence is not what it says.</summary>
    public const string RecordedOutcome = "recorded_outcome";
}

/// <summary>One difference between two traces: of the left, or the origin, and the right, or its replay.</summary>
/// <param name="Kind">One of <see cref="DifferenceKinds"/>.</param>
/// <param name="PlanStep">The step's name in the plan.</param>
/// <param name="PlanIndex">Its place in the plan.</param>
/// <param name="Attempt">Attempts of it before.</param>
/// <param name="LeftStep">Its index in the left trace; null where it is not there.</param>
/// <param name="RightStep">Its index in the right one.</param>
/// <param name="Place">Which column: <c>outcome_data</c>, <c>params</c>, <c>status</c>; empty for the step as a whole.</param>
/// <param name="Path">The JSON path within it; null for a column that is no JSON.</param>
/// <param name="Left">What is there in the left, cut off where it is long; null where nothing is.</param>
/// <param name="Right">The same of the right.</param>
public sealed record StepDifference(
    string Kind, string PlanStep, int PlanIndex, int Attempt, int? LeftStep, int? RightStep, string Place, string? Path, string? Left, string? Right)
{
    /// <summary>Where, in a line: <c>steps[3].outcome_data $.body.total</c>, by the index in the right trace where it is there.</summary>
    public string Where => string.Create(
        CultureInfo.InvariantCulture, $"steps[{RightStep ?? LeftStep}]{(Place.Length > 0 ? "." : "")}{Place}{(Path is null ? "" : " ")}{Path}");
}

/// <summary>A payload that could not be compared: never equal, never different.</summary>
/// <param name="PlanStep">The step's name in the plan.</param>
/// <param name="PlanIndex">Its place in the plan.</param>
/// <param name="Attempt">Attempts of it before.</param>
/// <param name="LeftStep">Its index in the left trace.</param>
/// <param name="RightStep">Its index in the right one.</param>
/// <param name="Place"><c>params</c> or <c>outcome_data</c>.</param>
/// <param name="Why"><c>redacted</c>, <c>erased</c> or <c>interrupted</c>.</param>
public sealed record NotComparable(string PlanStep, int PlanIndex, int Attempt, int LeftStep, int RightStep, string Place, string Why);

/// <summary>What came of comparing one step with another.</summary>
public sealed class StepComparison
{
    /// <summary>Differences that are told of one payload.</summary>
    public const int MostOfPayload = 10;

    private readonly ComparableStep _left;
    private readonly ComparableStep _right;
    private readonly List<StepDifference> _differences = [];
    private readonly List<NotComparable> _notComparable = [];

    private StepComparison(ComparableStep left, ComparableStep right) => (_left, _right) = (left, right);

    /// <summary>The differences.</summary>
    public IReadOnlyList<StepDifference> Differences => _differences;

    /// <summary>What could not be compared.</summary>
    public IReadOnlyList<NotComparable> NotComparable => _notComparable;

    /// <summary>Whether the parameters were compared.</summary>
    public bool ParametersCompared { get; private set; }

    /// <summary>Whether an outcome was compared that was executed for: not one that was taken over from the record.</summary>
    public bool OutcomeCompared { get; private set; }

    /// <summary>Differences at places that the skill said vary.</summary>
    public int Varied { get; private set; }

    /// <summary>Compares a step with another, the same attempt of the same planned step.</summary>
    /// <param name="left">The step, or the origin's.</param>
    /// <param name="right">The other, or the replay's: its <see cref="ComparableStep.How"/> says what of the outcome can be compared.</param>
    public static StepComparison Of(ComparableStep left, ComparableStep right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        var comparison = new StepComparison(left, right);
        comparison.Compare();
        return comparison;
    }

    private void Compare()
    {
        Column(DifferenceKinds.SkillVersion, "skill_name", _left.Skill, _right.Skill);
        Column(DifferenceKinds.SkillVersion, "skill_version", _left.SkillVersion, _right.SkillVersion);
        Column(DifferenceKinds.Schema, "skill_schema", _left.Schema, _right.Schema);
        ParametersCompared = Payload(DifferenceKinds.Parameters, "params", _left.Parameters, _right.Parameters, []);
        var kind = _right.How is "recorded" ? DifferenceKinds.RecordedOutcome : DifferenceKinds.Outcome;
        // A step whose outcome a crash hid may have ended in any way; that a crash hid how it ends this time is none of the plan's doing.
        if (_left.Outcome.Hidden is not "interrupted" && _right.How is not "interrupted")
        {
            Column(kind, "status", _left.Status, _right.Status);
            Column(kind, "outcome_code", _left.OutcomeCode, _right.OutcomeCode);
        }

        // Of a step that a replay executes and does not check, how it ended is told, and not what came back.
        if (_right.How is "executed")
            return;
        var compared = Payload(kind, "outcome_data", _left.Outcome, _right.Outcome, [.. _left.Varies, .. _right.Varies]);
        OutcomeCompared = compared && _right.How is not ("recorded" or "none");
    }

    private void Column(string kind, string place, string? left, string? right)
    {
        if (!string.Equals(left, right, StringComparison.Ordinal))
            Add(kind, place, null, left, right);
    }

    private bool Payload(string kind, string place, ComparablePayload left, ComparablePayload right, IReadOnlyList<string> varies)
    {
        if ((left.Hidden ?? right.Hidden) is { } why)
        {
            _notComparable.Add(new NotComparable(_left.PlanStep, _left.PlanIndex, _left.Attempt, _left.StepIndex, _right.StepIndex, place, why));
            return false;
        }

        if (left.Text is null || right.Text is null)
        {
            if (left.Text is not null || right.Text is not null)
                Add(kind, place, "$", Cut(left.Text), Cut(right.Text));
            return true;
        }

        // Places that vary must not use up the room for those that must not.
        foreach (var difference in JsonDifferences.Between(left.Text, right.Text, MostOfPayload + varies.Count))
        {
            if (varies.Any(place => JsonDifferences.IsWithin(difference.Path, place)))
                Varied++;
            else
                Add(kind, place, difference.Path, difference.Left, difference.Right);
        }

        return true;
    }

    private static string? Cut(string? text) => text is null || text.Length <= 200 ? text : text[..200] + "…";

    private void Add(string kind, string place, string? path, string? left, string? right) => _differences.Add(
        new StepDifference(kind, _right.PlanStep, _left.PlanIndex, _left.Attempt, _left.StepIndex, _right.StepIndex, place, path, left, right));
}
