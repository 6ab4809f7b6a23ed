using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>The vocabulary of the format, read from UTF-8.</summary>
internal static class Words
{
    private static readonly Vocabulary<StepStatus> Statuses = new(Wire.Name);
    private static readonly Vocabulary<StepLevel> Levels = new(Wire.Name);
    private static readonly Vocabulary<StepSource> Sources = new(Wire.Name);
    private static readonly Vocabulary<ReplayBehavior> Behaviors = new(Wire.Name);
    private static readonly Vocabulary<SealStatus> Seals = new(Wire.Name);

    internal static bool TryStatus(ReadOnlySpan<byte> word, out StepStatus value) => Statuses.TryFind(word, out value);

    internal static bool TryLevel(ReadOnlySpan<byte> word, out StepLevel value) => Levels.TryFind(word, out value);

    internal static bool TrySource(ReadOnlySpan<byte> word, out StepSource value) => Sources.TryFind(word, out value);

    internal static bool TryReplay(ReadOnlySpan<byte> word, out ReplayBehavior value) => Behaviors.TryFind(word, out value);

    internal static bool TrySeal(ReadOnlySpan<byte> word, out SealStatus value) => Seals.TryFind(word, out value);

    private sealed class Vocabulary<T>(Func<T, string> nameOf)
        where T : struct, Enum
    {
        private readonly (byte[] Word, T Value)[] _words = [.. Enum.GetValues<T>().Select(value => (System.Text.Encoding.ASCII.GetBytes(nameOf(value)), value))];

        internal bool TryFind(ReadOnlySpan<byte> word, out T value)
        {
            foreach (var (known, means) in _words)
            {
                value = means;
                if (word.SequenceEqual(known))
                    return true;
            }

            value = default;
            return false;
        }
    }
}
