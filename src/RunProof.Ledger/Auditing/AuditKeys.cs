using System.Globalization;
using RunProof.Format;
using RunProof.Keys;

namespace RunProof.Ledger;

/// <summary>
/// The keys that a checkpoint may be signed with: those that were given, or that the last audit verified with, or as a last resort those that the database lists;
/// and the ones that such a key handed the log over to.
/// </summary>
internal sealed class AuditKeys
{
    private readonly List<INoteVerifier> _trusted = [];
    private readonly Dictionary<string, long> _retired = new(StringComparer.Ordinal);
    private readonly List<INoteVerifier> _listed;
    private readonly IReadOnlyList<LogKey> _rows;
    private readonly AuditOptions _options;

    /// <param name="options">The keys that were given.</param>
    /// <param name="audited">The last audit.</param>
    /// <param name="rows">The log's own list, up to the audited size.</param>
    internal AuditKeys(AuditOptions options, AuditedCheckpoint? audited, IReadOnlyList<LogKey> rows)
    {
        (_options, _rows) = (options, rows);
        _listed = [.. rows.Select(row => VerifierOf(row.VerifierKey)).OfType<INoteVerifier>()];
        var remembered = audited is null ? null : VerifierOf(audited.Key);
        (IsIndependent, Source) = options.Keys.Count > 0 ? (true, "given") : remembered is not null ? (audited!.IsKeyIndependent, "of the last audit") : (false, "listed by the log itself");
        _trusted.AddRange(options.Keys.Count > 0 ? options.Keys : remembered is not null ? [remembered] : _listed);
    }

    /// <summary>Whether the keys came from elsewhere than the log.</summary>
    internal bool IsIndependent { get; }

    /// <summary>Where they came from.</summary>
    internal string Source { get; }

    /// <summary>Whether some key at all signed the note: enough to go on with, not to rely on.</summary>
    internal bool Any(SignedNote note) => note.Verify([.. _trusted.Concat(_listed)], out _, out _);

    /// <summary>Follows the hand-overs in the log, and holds them against the log's list of its keys.</summary>
    /// <param name="handOvers">The entries by position.</param>
    /// <param name="find">Is told what does not fit: a position and a sentence.</param>
    internal void Follow(IReadOnlyList<(long Position, RotatedEntry Entry)> handOvers, Action<long?, string> find)
    {
        foreach (var (position, entry) in handOvers)
        {
            if (!KeyHandOver.Verify(entry, out _))
                continue;
            _retired[entry.OldKey] = position + 1;
            if (_trusted.Exists(key => key.Key.ToString() == entry.OldKey) && VerifierOf(entry.NewKey) is { } next)
                _trusted.Add(next);
            if (!_rows.Any(row => row.VerifierKey == entry.NewKey && row.FromSize == position + 1) || !_rows.Any(row => row.VerifierKey == entry.OldKey && row.UntilSize == position + 1))
                find(position, "hands the log over, and the log's list of its keys says otherwise");
        }

        foreach (var row in _rows.OrderBy(static row => row.FromSize).Skip(1))
        {
            if (!handOvers.Any(each => each.Entry.NewKey == row.VerifierKey && each.Position == row.FromSize - 1))
                find(null, string.Create(CultureInfo.InvariantCulture, $"{row.VerifierKey} is listed as the log's from {row.FromSize} entries on, and no entry hands the log over to it"));
        }
    }

    /// <summary>The trusted key that signed a checkpoint; null with the reason where none did that was in use at its size.</summary>
    internal NoteKey? SignerOf(SignedNote note, long size, out string problem)
    {
        if (!note.Verify(_trusted, out var signers, out problem))
        {
            problem += $" (keys {Source}: {string.Join(", ", _trusted.Select(static key => key.Key))})";
            return null;
        }

        var signer = signers.FirstOrDefault(key => !_retired.TryGetValue(key.ToString(), out var until) || size <= until);
        if (signer is null)
            problem = string.Create(CultureInfo.InvariantCulture, $"it is signed by {signers[0]} alone, which handed the log over at {_retired[signers[0].ToString()]} entries");
        return signer;
    }

    private INoteVerifier? VerifierOf(string line) => NoteKey.TryParse(line, out var key, out _) && key.Algorithm is not NoteAlgorithm.CosignatureV1 ? _options.VerifierOf(key) : null;
}
