namespace RunProof.Verification;

/// <summary>What two traces are compared by.</summary>
public sealed record ComparisonOptions
{
    /// <summary>What the plan of the left says must be recorded before what. Default: every step comes after the one before it.</summary>
    public PlanOrder LeftOrder { get; init; } = PlanOrder.InLine;

    /// <summary>The same of the right.</summary>
    public PlanOrder RightOrder { get; init; } = PlanOrder.InLine;

    /// <summary>Whether what steps cost counts. Default: false.</summary>
    public bool Cost { get; init; }

    /// <summary>Steps of the left that are not expected in the right: those before this place in the plan. Default: 0, none.</summary>
    public int From { get; init; }

    /// <summary>Differences that are kept; beyond them they are counted. Default: 1,000.</summary>
    public int MaxDifferences { get; init; } = 1_000;

    /// <summary>Steps that may wait for the one that they belong to, on either side. Default: 4,096.</summary>
    public int MaxWaiting { get; init; } = 4_096;

    /// <summary>Characters that those may keep in memory. Default: 32 Mi.</summary>
    public int MaxWaitingSize { get; init; } = 32 * 1024 * 1024;
}

/// <summary>
/// Compares two traces while their steps are read: a step is held against the same attempt of the same planned step of the other. Memory is bounded: steps wait for
/// each other within a window, and one that falls out of it counts as missing or extra.
/// </summary>
/// <param name="options">What counts.</param>
/// <remarks>Not thread-safe.</remarks>
public sealed class TraceComparison(ComparisonOptions options)
{
    private readonly Side _left = new(options.LeftOrder);
    private readonly Side _right = new(options.RightOrder);
    private readonly List<StepDifference> _differences = [];
    private readonly List<NotComparable> _notComparable = [];
    private readonly PriorityQueue<StepTime, double> _times = new();

    /// <summary>Steps that were held against each other.</summary>
    public int Compared { get; private set; }

    /// <summary>Those of them that do not differ.</summary>
    public int Alike { get; private set; }

    /// <summary>Steps that only the left has.</summary>
    public int OnlyLeft { get; private set; }

    /// <summary>Steps that only the right has.</summary>
    public int OnlyRight { get; private set; }

    /// <summary>Parameters that were compared.</summary>
    public int ParametersCompared { get; private set; }

    /// <summary>Outcomes that were compared and executed for.</summary>
    public int OutcomesCompared { get; private set; }

    /// <summary>Steps of a replay whose outcome was taken from the record: equal because it was copied, so no evidence of anything.</summary>
    public int OutcomesRecorded { get; private set; }

    /// <summary>Steps of a replay that were executed and whose outcome is not compared.</summary>
    public int OutcomesExecuted { get; private set; }

    /// <summary>Differences at places that skills said vary.</summary>
    public int Varied { get; private set; }

    /// <summary>Steps that were recorded in another order, and that do not depend on each other: branches end as they happen to.</summary>
    public int Reordered { get; private set; }

    /// <summary>All differences.</summary>
    public int DifferenceCount { get; private set; }

    /// <summary>All payloads that could not be compared.</summary>
    public int NotComparableCount { get; private set; }

    /// <summary>The first difference in the order of the chain; null where there is none.</summary>
    public StepDifference? First { get; private set; }

    /// <summary>The differences that are kept.</summary>
    public IReadOnlyList<StepDifference> Differences => _differences;

    /// <summary>What could not be compared, as far as it is kept.</summary>
    public IReadOnlyList<NotComparable> NotComparable => _notComparable;

    /// <summary>The steps whose times differ most, the most first: at most ten.</summary>
    public IReadOnlyList<StepTime> Times => [.. _times.UnorderedItems.Select(static item => item.Element).OrderByDescending(static time => Math.Abs(time.LeftMs - time.RightMs))];

    /// <summary>Reads both and compares them, a step of each at a time.</summary>
    /// <param name="left">Steps in the order of their index.</param>
    /// <param name="right">Steps in the order of their index.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task CompareAsync(IAsyncEnumerable<ComparableStep> left, IAsyncEnumerable<ComparableStep> right, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        await using var one = left.GetAsyncEnumerator(cancellationToken);
        await using var other = right.GetAsyncEnumerator(cancellationToken);
        var (hasLeft, hasRight) = (true, true);
        while (hasLeft || hasRight)
        {
            if (hasLeft && (hasLeft = await one.MoveNextAsync()))
                AddLeft(one.Current);
            if (hasRight && (hasRight = await other.MoveNextAsync()))
                AddRight(other.Current);
        }

        Finish();
    }

    /// <summary>Adds the next step of the left, or of the origin.</summary>
    /// <param name="step">The step.</param>
    public void AddLeft(ComparableStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (step.PlanIndex < options.From)
            return;
        var isLate = _left.Came(step);
        if (_right.Take(step.Key) is { } waiting)
            Match(new Waiting(step, isLate), waiting, waiting.Passed);
        else
            _left.Add(new Waiting(step, isLate), options, Missing);
    }

    /// <summary>Adds the next step of the right, or of the replay.</summary>
    /// <param name="step">The step.</param>
    public void AddRight(ComparableStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        var isLate = _right.Came(step);
        if (_left.Take(step.Key) is { } waiting)
            Match(waiting, new Waiting(step, isLate), waiting.Passed);
        else
            _right.Add(new Waiting(step, isLate), options, Extra);
    }

    /// <summary>Ends: what still waits is on one side only.</summary>
    public void Finish()
    {
        _left.Drain(Missing);
        _right.Drain(Extra);
    }

    private void Match(Waiting one, Waiting other, bool passed)
    {
        var (left, right) = (one.Step, other.Step);
        // Whatever waits and was recorded before has been passed: should it still come, it comes in another order.
        _left.PassBefore(left.StepIndex);
        _right.PassBefore(right.StepIndex);
        Compared++;
        var found = StepComparison.Of(left, right);
        ParametersCompared += found.ParametersCompared ? 1 : 0;
        OutcomesCompared += found.OutcomeCompared ? 1 : 0;
        OutcomesRecorded += right.How is "recorded" ? 1 : 0;
        OutcomesExecuted += right.How is "executed" ? 1 : 0;
        Varied += found.Varied;
        var before = DifferenceCount;
        if (one.IsLate != other.IsLate)
            Add(Of(DifferenceKinds.Order, left, right, "step_index", left.StepIndex, right.StepIndex));
        else
            Reordered += passed ? 1 : 0;
        foreach (var difference in found.Differences)
            Add(difference);
        if (options.Cost && !string.Equals(left.CostCents, right.CostCents, StringComparison.Ordinal))
            Add(new StepDifference(DifferenceKinds.Cost, right.PlanStep, left.PlanIndex, left.Attempt, left.StepIndex, right.StepIndex, "cost_cents", null, left.CostCents, right.CostCents));
        Alike += DifferenceCount == before && found.NotComparable.Count == 0 ? 1 : 0;
        foreach (var hidden in found.NotComparable)
            Add(hidden);
        Keep(new StepTime(right.PlanStep, left.Attempt, left.DurationMs, right.DurationMs));
    }

    private void Missing(ComparableStep step)
    {
        OnlyLeft++;
        Add(new StepDifference(DifferenceKinds.MissingStep, step.PlanStep, step.PlanIndex, step.Attempt, step.StepIndex, null, "", null, step.Skill, null));
    }

    private void Extra(ComparableStep step)
    {
        OnlyRight++;
        Add(new StepDifference(DifferenceKinds.ExtraStep, step.PlanStep, step.PlanIndex, step.Attempt, null, step.StepIndex, "", null, null, step.Skill));
    }

    private static StepDifference Of(string kind, ComparableStep left, ComparableStep right, string place, int leftValue, int rightValue) => new(
        kind, right.PlanStep, left.PlanIndex, left.Attempt, left.StepIndex, right.StepIndex, place, null,
        leftValue.ToString(System.Globalization.CultureInfo.InvariantCulture), rightValue.ToString(System.Globalization.CultureInfo.InvariantCulture));

    private void Add(StepDifference difference)
    {
        DifferenceCount++;
        if (First is null || PlaceOf(difference) < PlaceOf(First))
            First = difference;
        if (_differences.Count < options.MaxDifferences)
            _differences.Add(difference);
    }

    private void Add(NotComparable hidden)
    {
        NotComparableCount++;
        if (_notComparable.Count < options.MaxDifferences)
            _notComparable.Add(hidden);
    }

    private static int PlaceOf(StepDifference difference) => difference.RightStep ?? difference.LeftStep ?? int.MaxValue;

    private void Keep(StepTime time)
    {
        var apart = Math.Abs(time.LeftMs - time.RightMs);
        if (!double.IsFinite(apart) || apart == 0)
            return;
        _times.Enqueue(time, apart);
        if (_times.Count > 10)
            _times.Dequeue();
    }

    /// <summary>A step, and whether it was recorded after one that depends on it.</summary>
    private sealed record Waiting(ComparableStep Step, bool IsLate)
    {
        public bool Passed { get; set; }
    }

    /// <summary>The steps of one side that wait for those of the other, the oldest first.</summary>
    private sealed class Side(PlanOrder order)
    {
        private readonly Dictionary<int, int> _recorded = [];
        private readonly Dictionary<(int, int), LinkedListNode<Waiting>> _byKey = [];
        private readonly LinkedList<Waiting> _inOrder = [];
        private long _size;

        /// <summary>A step was recorded.</summary>
        /// <returns>Whether another was before it that depends on it, or a later attempt of it.</returns>
        public bool Came(ComparableStep step)
        {
            var isLate = _recorded.TryGetValue(step.PlanIndex, out var attempt) && attempt > step.Attempt;
            _recorded[step.PlanIndex] = Math.Max(attempt, step.Attempt);
            foreach (var follower in order.Followers(step.PlanIndex))
                isLate |= _recorded.ContainsKey(follower);
            return isLate;
        }

        public void Add(Waiting waiting, ComparisonOptions options, Action<ComparableStep> dropped)
        {
            var step = waiting.Step;
            // Twice the same attempt is no evidence of ours: the first is dropped for the second.
            if (Take(step.Key) is { } earlier)
                dropped(earlier.Step);
            _byKey[step.Key] = _inOrder.AddLast(waiting);
            _size += step.Size;
            while (_inOrder.Count > options.MaxWaiting || (_size > options.MaxWaitingSize && _inOrder.Count > 1))
                dropped(Take(_inOrder.First!.Value.Step.Key)!.Step);
        }

        public Waiting? Take((int, int) key)
        {
            if (!_byKey.Remove(key, out var node))
                return null;
            _inOrder.Remove(node);
            _size -= node.Value.Step.Size;
            return node.Value;
        }

        public void PassBefore(int index)
        {
            for (var node = _inOrder.First; node is not null && node.Value.Step.StepIndex < index; node = node.Next)
                node.Value.Passed = true;
        }

        public void Drain(Action<ComparableStep> dropped)
        {
            foreach (var waiting in _inOrder)
                dropped(waiting.Step);
            _inOrder.Clear();
            _byKey.Clear();
            _size = 0;
        }
    }
}

/// <summary>What a step took in either trace.</summary>
/// <param name="PlanStep">The step's name in the plan.</param>
/// <param name="Attempt">Attempts of it before.</param>
/// <param name="LeftMs">Milliseconds in the left.</param>
/// <param name="RightMs">Milliseconds in the right.</param>
public sealed record StepTime(string PlanStep, int Attempt, double LeftMs, double RightMs);
