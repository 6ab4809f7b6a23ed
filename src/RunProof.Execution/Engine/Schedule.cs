using System.Diagnostics.CodeAnalysis;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>
/// Which steps of a plan may begin, and what later steps may know of those that are over. An outcome is kept only while a step that refers to it is not over: a plan of
/// ten thousand steps holds what its open references need, no more. Not thread-safe.
/// </summary>
internal sealed class Schedule
{
    private static readonly IReadOnlyDictionary<string, CanonicalJson?> NoOutcomes = new Dictionary<string, CanonicalJson?>();

    private readonly List<Node> _nodes = [];
    private readonly Dictionary<string, int> _places = new(StringComparer.Ordinal);
    private readonly PriorityQueue<int, int> _ready = new();
    private readonly bool _keepsAll;
    private int _over;

    /// <summary>Makes one.</summary>
    /// <param name="steps">The plan's steps.</param>
    /// <param name="keepsAll">Whether every outcome is kept, for a planner that is asked how the plan goes on.</param>
    public Schedule(IReadOnlyList<PlannedStep> steps, bool keepsAll)
    {
        _keepsAll = keepsAll;
        Add(steps);
    }

    /// <summary>Steps of the plan so far.</summary>
    public int Count => _nodes.Count;

    /// <summary>Whether no step is left.</summary>
    public bool IsOver => _over == _nodes.Count;

    /// <summary>A step by its place in the plan.</summary>
    public PlannedStep this[int index] => _nodes[index].Step;

    /// <summary>Outcomes that are kept at present, for measuring.</summary>
    internal int Kept { get; private set; }

    /// <summary>Whether the plan has a step of this id.</summary>
    public bool Has(string id) => _places.ContainsKey(id);

    /// <summary>Adds steps. One that does not say what it depends on comes after the one before it, unless any of those that are added says.</summary>
    /// <param name="steps">Steps that depend on each other and on earlier ones without a circle.</param>
    public void Add(IReadOnlyList<PlannedStep> steps)
    {
        var first = _nodes.Count;
        foreach (var step in steps)
        {
            _places.Add(step.Id, _nodes.Count);
            _nodes.Add(new Node(step));
        }

        var inLine = !steps.Any(step => step.DependsOn is not null);
        for (var i = first; i < _nodes.Count; i++)
        {
            var node = _nodes[i];
            if (inLine && i > first)
                Follow(i - 1, i);
            foreach (var id in node.Step.DependsOn ?? [])
                Follow(_places[id], i);
            node.Reads = StepReferences.Of(node.Step).Where(_places.ContainsKey).Select(id => _places[id]).ToArray();
            foreach (var read in node.Reads)
                _nodes[read].Readers++;
            if (node.WaitsFor == 0)
                _ready.Enqueue(i, i);
        }
    }

    /// <summary>Takes the first step of the plan that may begin.</summary>
    /// <param name="index">Its place in the plan.</param>
    /// <param name="attempt">Attempts of it that are recorded.</param>
    /// <returns>False where none may.</returns>
    public bool TryTake(out int index, out int attempt)
    {
        while (_ready.TryDequeue(out index, out _))
        {
            var node = _nodes[index];
            if (node.IsTaken)
                continue;
            node.IsTaken = true;
            attempt = node.Attempts;
            return true;
        }

        attempt = 0;
        return false;
    }

    /// <summary>Takes a step that a former process had announced.</summary>
    public void Take(int index) => _nodes[index].IsTaken = true;

    /// <summary>Attempts of a step that are recorded, where it is not over.</summary>
    public void Attempted(int index, int attempts) => _nodes[index].Attempts = attempts;

    /// <summary>A step has failed for good, and its fallback may begin: until that is over, so is not the step.</summary>
    /// <param name="index">Its place in the plan.</param>
    /// <param name="attempts">Attempts of the step that are recorded.</param>
    public void FallBack(int index, int attempts)
    {
        var node = _nodes[index];
        (node.IsTaken, node.Attempts, node.FallbackFrom) = (false, attempts, attempts);
        _ready.Enqueue(index, index);
    }

    /// <summary>The number of the first attempt of a step's fallback; null while the step itself is tried.</summary>
    public int? FallbackFrom(int index) => _nodes[index].FallbackFrom;

    /// <summary>The skipped step that a step's parameters refer to, by its id; null where none was skipped.</summary>
    public string? SkippedFor(int index) => Array.Exists(_nodes[index].Reads, read => _nodes[read].Ended is { IsSkip: true })
        ? StepReferences.OfParameters(_nodes[index].Step).Where(id => EndOf(id) is { IsSkip: true }).Min(StringComparer.Ordinal)
        : null;

    /// <summary>Attempts of a step that a former process recorded.</summary>
    public int AttemptsOf(int index) => _nodes[index].Attempts;

    /// <summary>A step is over: what waits for it alone may begin.</summary>
    /// <param name="index">Its place in the plan.</param>
    /// <param name="ended">How it ended.</param>
    public void End(int index, StepEnd ended)
    {
        var node = _nodes[index];
        if (node.Ended is not null)
            return;
        node.IsTaken = true;
        _over++;
        var kept = _keepsAll || node.Readers > 0;
        node.Ended = kept ? ended : ended with { Outcome = null };
        Kept += kept && ended.Outcome is not null ? 1 : 0;
        foreach (var after in node.Followers ?? [])
        {
            if (--_nodes[after].WaitsFor == 0)
                _ready.Enqueue(after, after);
        }

        foreach (var read in node.Reads)
            Forget(_nodes[read]);
    }

    /// <summary>How a step ended; its outcome only while a step that is not over refers to it.</summary>
    /// <returns>Null where it is not over.</returns>
    public StepEnd? EndOf(string id) => _places.TryGetValue(id, out var place) ? _nodes[place].Ended : null;

    /// <summary>The outcomes that a step refers to, by step id; null for a step that ended without one.</summary>
    public IReadOnlyDictionary<string, CanonicalJson?> OutcomesFor(int index)
    {
        var node = _nodes[index];
        if (node.Reads.Length == 0)
            return NoOutcomes;
        var outcomes = new Dictionary<string, CanonicalJson?>(StringComparer.Ordinal);
        foreach (var read in node.Reads)
        {
            if (_nodes[read].Ended is { } ended)
                outcomes[_nodes[read].Step.Id] = ended.Outcome;
        }

        return outcomes;
    }

    /// <summary>Ids of the steps that a step refers to and whose outcome is not known as it was.</summary>
    [SuppressMessage("Style", "IDE0028", Justification = "a set needs its comparer")]
    public IReadOnlySet<string>? UnknowableFor(int index)
    {
        HashSet<string>? unknowable = null;
        foreach (var read in _nodes[index].Reads)
        {
            if (_nodes[read].Ended is { OutcomeIsKnown: false })
                (unknowable ??= new HashSet<string>(StringComparer.Ordinal)).Add(_nodes[read].Step.Id);
        }

        return unknowable;
    }

    /// <summary>Every step that is over, in the plan's order, for a planner.</summary>
    public IReadOnlyList<EndedStep> History() =>
        [.. _nodes.Where(node => node.Ended is not null).Select(node => new EndedStep(node.Step, node.Ended!.Status, node.Ended.Outcome, node.Ended.Failure, node.Ended.OutcomeIsKnown))];

    private void Follow(int before, int after)
    {
        if (_nodes[before].Ended is not null)
            return;
        (_nodes[before].Followers ??= []).Add(after);
        _nodes[after].WaitsFor++;
    }

    private void Forget(Node node)
    {
        if (--node.Readers > 0 || _keepsAll || node.Ended is not { Outcome: not null } ended)
            return;
        node.Ended = ended with { Outcome = null };
        Kept--;
    }

    private sealed class Node(PlannedStep step)
    {
        public PlannedStep Step { get; } = step;

        /// <summary>Steps before it that are not over.</summary>
        public int WaitsFor { get; set; }

        public List<int>? Followers { get; set; }

        /// <summary>Steps whose outcome it refers to.</summary>
        public int[] Reads { get; set; } = [];

        /// <summary>Steps that refer to its outcome and are not over.</summary>
        public int Readers { get; set; }

        public int Attempts { get; set; }

        /// <summary>The first attempt of its fallback, once that is due.</summary>
        public int? FallbackFrom { get; set; }

        public bool IsTaken { get; set; }

        public StepEnd? Ended { get; set; }
    }
}

/// <summary>How a step ended, as far as later steps may know.</summary>
/// <param name="Status">How.</param>
/// <param name="Outcome">What came back, or null.</param>
/// <param name="Failure">Why it failed, as it is recorded; or null.</param>
/// <param name="OutcomeIsKnown">False where the recorded outcome is not what came back.</param>
internal sealed record StepEnd(StepStatus Status, CanonicalJson? Outcome, SkillFailure? Failure, bool OutcomeIsKnown = true)
{
    /// <summary>Whether it was not executed because its condition was false, or refers to a step that was not: then steps that need its outcome are not executed either.</summary>
    public bool IsSkip => Status is StepStatus.Skipped && !NeverBegan;

    /// <summary>Whether it stands for a step of a fork's origin that never came to be: nothing is recorded of it.</summary>
    public bool NeverBegan { get; init; }

    /// <summary>Whether a rule takes places of the outcome out of evidence.</summary>
    public bool HidesOutcome { get; init; }
}
