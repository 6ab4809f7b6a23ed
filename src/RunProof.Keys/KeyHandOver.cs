using System.Text;
using RunProof.Format;

namespace RunProof.Keys;

/// <summary>Makes and verifies the entry by which a log's key is handed over to another.</summary>
public static class KeyHandOver
{
    /// <summary>Makes the entry.</summary>
    /// <param name="tenant">The tenant whose log it is.</param>
    /// <param name="oldKey">The key in use, under the log's name.</param>
    /// <param name="newKey">The next one, under the same name.</param>
    /// <param name="sign">Signs a text with the old key, then with the new.</param>
    /// <param name="time">When.</param>
    /// <exception cref="ArgumentException">The keys have two names, or are the same.</exception>
    /// <returns>The entry.</returns>
    public static RotatedEntry Make(TenantId tenant, NoteKey oldKey, NoteKey newKey, Func<string, (NoteSignature Old, NoteSignature New)> sign, DateTimeOffset time)
    {
        ArgumentNullException.ThrowIfNull(oldKey);
        ArgumentNullException.ThrowIfNull(newKey);
        ArgumentNullException.ThrowIfNull(sign);
        if (oldKey.Name != newKey.Name || oldKey.Equals(newKey))
            throw new ArgumentException("a log is handed over from one key to another of the same name", nameof(newKey));
        var at = WireTime.Truncate(time);
        var (old, next) = sign(RotatedEntry.TextOf(oldKey.ToString(), newKey.ToString(), at));
        return new RotatedEntry
        {
            Format = TraceHeader.CurrentFormat,
            Kind = RotatedEntry.KindRotated,
            NewKey = newKey.ToString(),
            OldKey = oldKey.ToString(),
            RotatedAt = at,
            Signatures = old.ToString() + next,
            TenantId = tenant,
        };
    }

    /// <summary>Whether both keys signed the entry.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="problem">What is wrong, where something is.</param>
    /// <exception cref="PlatformNotSupportedException">No libcrypto of OpenSSL 3 can be loaded.</exception>
    /// <returns>Whether they did.</returns>
    public static bool Verify(RotatedEntry entry, out string problem)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (!TryVerifier(entry.OldKey, out var old, out problem) || !TryVerifier(entry.NewKey, out var next, out problem)
            || !SignedNote.TryParse(Encoding.UTF8.GetBytes(entry.ToNote()), out var note, out problem))
            return false;
        problem = "the keys are of two logs, or the same";
        if (old.Key.Name != next.Key.Name || old.Key.Equals(next.Key))
            return false;
        if (!note.Verify([old, next], out var signers, out problem))
            return false;
        problem = signers.Count == 2 ? "" : $"only the key {signers[0].Id:x8} signed the hand-over";
        return signers.Count == 2;
    }

    private static bool TryVerifier(string line, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out INoteVerifier? verifier, out string problem)
    {
        verifier = null;
        return NoteKey.TryParse(line, out var key, out problem) && NoteVerifier.TryCreate(key, out verifier, out problem);
    }
}
