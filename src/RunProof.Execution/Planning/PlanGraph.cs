using System.Numerics;

namespace RunProof.Execution;

/// <summary>Which steps of a plan come before which, by their places in it. Time and memory are linear in steps and dependencies, but for asking what lies behind what.</summary>
internal sealed class PlanGraph
{
    private readonly IReadOnlyList<int>[]? _before;
    private readonly int[]? _order;
    private ulong[][]? _behind;

    private PlanGraph(IReadOnlyList<int>[]? before)
    {
        _before = before;
        if (before is null)
            return;
        _order = Order(before);
        Circle = _order.Length == before.Length ? [] : FindCircle(before, _order);
    }

    /// <summary>Steps that depend on each other in a circle, each on the one after it; empty where there is none.</summary>
    public IReadOnlyList<int> Circle { get; } = [];

    /// <summary>Whether each step comes after the one before it, because no step says what it depends on.</summary>
    public bool IsInLine => _before is null;

    /// <summary>A plan whose steps come one after the other.</summary>
    public static PlanGraph InLine { get; } = new(null);

    /// <summary>A plan by what its steps depend on.</summary>
    /// <param name="before">For each step the steps that it depends on.</param>
    public static PlanGraph Of(IReadOnlyList<int>[] before) => new(before);

    /// <summary>Whether a step is certain to be over when another begins.</summary>
    /// <param name="index">The first step.</param>
    /// <param name="other">The other.</param>
    public bool IsBefore(int index, int other)
    {
        if (_before is null)
            return index < other;
        if (_before[other].Contains(index))
            return true;
        var behind = (_behind ??= Behind())[other];
        return (behind[index >> 6] & (1UL << (index & 63))) != 0;
    }

    /// <summary>What is wrong with the dependencies of steps that are added to a plan; null where nothing is.</summary>
    /// <param name="steps">The steps.</param>
    /// <param name="isEarlier">Whether an id is that of a step which is there already.</param>
    public static string? WrongWith(IReadOnlyList<PlannedStep> steps, Func<string, bool> isEarlier)
    {
        var places = steps.Select((step, i) => (step.Id, i)).ToDictionary(one => one.Id, one => one.i, StringComparer.Ordinal);
        foreach (var step in steps)
        {
            if (step.DependsOn?.FirstOrDefault(id => !places.ContainsKey(id) && !isEarlier(id)) is { } unknown)
                return $"step \"{step.Id}\" depends on \"{unknown}\", which is no step";
        }

        var graph = Of([.. steps.Select(step => (step.DependsOn ?? []).Where(places.ContainsKey).Select(id => places[id]).ToArray())]);
        return graph.Circle.Count == 0 ? null : $"step \"{steps[graph.Circle[0]].Id}\" depends on itself";
    }

    // Kahn's order; steps of a circle, and those behind one, are missing from it.
    private static int[] Order(IReadOnlyList<int>[] before)
    {
        var left = new int[before.Length];
        var after = new List<int>?[before.Length];
        for (var i = 0; i < before.Length; i++)
        {
            left[i] = before[i].Count;
            foreach (var one in before[i])
                (after[one] ??= []).Add(i);
        }

        var order = new List<int>(before.Length);
        for (var i = 0; i < before.Length; i++)
        {
            if (left[i] == 0)
                order.Add(i);
        }

        for (var at = 0; at < order.Count; at++)
        {
            foreach (var next in after[order[at]] ?? [])
            {
                if (--left[next] == 0)
                    order.Add(next);
            }
        }

        return [.. order];
    }

    // Of the steps without a place in the order each depends on another such: following these comes back to one that was seen.
    private static List<int> FindCircle(IReadOnlyList<int>[] before, int[] order)
    {
        var ordered = new bool[before.Length];
        foreach (var index in order)
            ordered[index] = true;
        var path = new List<int>();
        var seen = new Dictionary<int, int>();
        for (var at = Array.IndexOf(ordered, false); seen.TryAdd(at, path.Count); at = before[at].First(one => !ordered[one]))
            path.Add(at);
        var last = before[path[^1]].First(one => !ordered[one]);
        return path[seen[last]..];
    }

    private ulong[][] Behind()
    {
        var behind = new ulong[_before!.Length][];
        var words = (_before.Length + 63) >> 6;
        foreach (var index in _order!)
        {
            var own = behind[index] = new ulong[words];
            foreach (var one in _before[index])
            {
                own[one >> 6] |= 1UL << (one & 63);
                Merge(own, behind[one]);
            }
        }

        // Those of a circle have no order: nothing is certain to be before them.
        for (var i = 0; i < behind.Length; i++)
            behind[i] ??= new ulong[words];
        return behind;
    }

    private static void Merge(ulong[] target, ulong[] source)
    {
        var i = 0;
        for (; i <= target.Length - Vector<ulong>.Count; i += Vector<ulong>.Count)
            (new Vector<ulong>(target, i) | new Vector<ulong>(source, i)).CopyTo(target, i);
        for (; i < target.Length; i++)
            target[i] |= source[i];
    }
}
