using System.Diagnostics;
using System.Globalization;

namespace RunProof.Generators.Tests.Properties;

/// <summary>
/// What a random value is made from: a sequence of small numbers, 0 the simplest. A value that breaks a property is made smaller by making its
/// sequence smaller, so that every generator shrinks without knowing it.
/// </summary>
internal sealed class Choices(Random? random, IReadOnlyList<int> given)
{
    private readonly List<int> _made = [];

    public IReadOnlyList<int> Made => _made;

    /// <summary>A number from 0 to below the bound.</summary>
    public int Next(int bound)
    {
        var at = _made.Count;
        _made.Add(at < given.Count ? Math.Min(given[at], bound - 1) : random?.Next(bound) ?? 0);
        return _made[at];
    }

    public bool Flip() => Next(2) == 1;

    /// <summary>Once in so many times.</summary>
    public bool Rarely(int times) => Next(times) == times - 1;

    public T Of<T>(params ReadOnlySpan<T> values) => values[Next(values.Length)];

    public ulong Bits() => ((ulong)Next(1 << 22) << 44) ^ ((ulong)Next(1 << 22) << 22) ^ (ulong)Next(1 << 22);

    public T[] Several<T>(int atMost, Func<T> make) => [.. Enumerable.Range(0, Next(atMost + 1)).Select(_ => make())];
}

/// <summary>Runs a property over seeds, and shrinks what breaks it.</summary>
internal static class Property
{
    /// <summary>Seeds begin here, so that a run is like the next. The environment may say otherwise: to search further, or to repeat one.</summary>
    private static readonly int FirstSeed = int.Parse(Environment.GetEnvironmentVariable("RUNPROOF_PROPERTY_SEED") ?? "0", CultureInfo.InvariantCulture);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Fails with the seed and the message of the smallest choices that still fail.</summary>
    public static void Holds(int seeds, Action<Choices> property)
    {
        for (var seed = FirstSeed; seed < FirstSeed + seeds; seed++)
        {
            var choices = new Choices(new Random(seed), []);
            if (Failure(property, choices) is not { } failure)
                continue;
            var (smallest, message) = Shrink(property, choices.Made, failure);
            Assert.Fail(string.Create(CultureInfo.InvariantCulture, $"RUNPROOF_PROPERTY_SEED={seed}, from {choices.Made.Count} choices to {smallest.Count}: {(message is Xunit.Sdk.IAssertionException ? message.Message : message)}"));
        }
    }

    private static (IReadOnlyList<int> Choices, Exception Failure) Shrink(Action<Choices> property, IReadOnlyList<int> made, Exception failure)
    {
        for (var shrinking = Stopwatch.StartNew(); ;)
        {
            var smaller = Smaller(made).TakeWhile(_ => shrinking.Elapsed < Patience).FirstOrDefault(candidate => Failure(property, new Choices(null, candidate)) is not null);
            if (smaller is null)
                break;
            (failure, made) = (Failure(property, new Choices(null, smaller))!, smaller);
        }

        return (made, failure);
    }

    /// <summary>Sequences that are shorter, then those of smaller numbers.</summary>
    private static IEnumerable<List<int>> Smaller(IReadOnlyList<int> made)
    {
        for (var length = made.Count; length > 0; length /= 2)
        {
            for (var at = 0; at + length <= made.Count; at += length)
                yield return [.. made.Take(at), .. made.Skip(at + length)];
        }

        for (var at = 0; at < made.Count; at++)
        {
            foreach (var less in new[] { 0, made[at] / 2, made[at] - 1 }.Where(less => less >= 0 && less < made[at]).Distinct())
                yield return [.. made.Take(at), less, .. made.Skip(at + 1)];
        }
    }

    private static Exception? Failure(Action<Choices> property, Choices choices)
    {
        try
        {
            property(choices);
            return null;
        }
        catch (Exception failure)
        {
            return failure;
        }
    }
}
