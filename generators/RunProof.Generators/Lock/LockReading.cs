namespace RunProof.Generators;

/// <summary>Something wrong with a lock's text.</summary>
/// <param name="IsFingerprint">Whether an entry's digests are not those of its content (RP0312); else the text is no lock (RP0313).</param>
/// <param name="Offset">The character at which it shows, from 0.</param>
/// <param name="Length">How many characters it takes up.</param>
/// <param name="Line">The line, from 1.</param>
/// <param name="Message">What, and what to do.</param>
internal sealed record LockFault(bool IsFingerprint, int Offset, int Length, int Line, string Message);

/// <summary>What came of a lock's text: the lock, or all that is wrong with it.</summary>
/// <param name="File">The lock; null where there is any fault, so that nobody builds on half of one.</param>
/// <param name="Faults">In the text's order.</param>
internal sealed record LockReading(LockFile? File, EquatableArray<LockFault> Faults)
{
    /// <summary>Longer than any lock, in characters; a longer text is not looked at.</summary>
    public const int MaxLength = 8 * 1024 * 1024;

    public static LockReading Of(string text) => text.Length > MaxLength ? TooLong(text.Length) : LockParser.Read(text);

    public static LockReading TooLong(int length) =>
        Failed($"it is {length.ToString(System.Globalization.CultureInfo.InvariantCulture)} characters long, and no lock is: this is another file");

    public static LockReading Failed(string message) => new(null, new[] { new LockFault(false, 0, 0, 1, message) }.ToEquatable());
}
