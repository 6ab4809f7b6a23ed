using System.Globalization;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// The keys that the checkpoint may be signed with: those that were given, or the one that the last audit verified with, or as a last resort those that the log itself
/// names; and the ones that such a key handed the log over to.
/// </summary>
internal sealed class OutsideKeys
{
    private readonly OutsideOptions _options;
    private readonly List<INoteVerifier> _trusted;
    private readonly Dictionary<string, long> _retired = new(StringComparer.Ordinal);

    private OutsideKeys(OutsideOptions options, List<INoteVerifier> trusted, bool isIndependent, string source) =>
        (_options, _trusted, IsIndependent, Source) = (options, trusted, isIndependent, source);

    /// <summary>Whether the keys came from elsewhere than the log.</summary>
    internal bool IsIndependent { get; }

    /// <summary>Where they came from.</summary>
    internal string Source { get; }

    internal bool IsEmpty => _trusted.Count == 0;

    internal static async Task<OutsideKeys> FindAsync(ITiledLog log, string origin, OutsideOptions options, AuditedCheckpoint? audited, CancellationToken cancellationToken)
    {
        if (options.Keys.Count > 0)
            return new OutsideKeys(options, [.. options.Keys.Where(key => key.Key.Name == origin)], true, "given");
        if (audited is not null && VerifierOf(audited.Key, options) is { } remembered)
            return new OutsideKeys(options, [remembered], audited.IsKeyIndependent, "of the last audit");
        var named = (await log.ReadKeysAsync(origin, cancellationToken).ConfigureAwait(false)).Select(line => VerifierOf(line, options)).OfType<INoteVerifier>();
        return new OutsideKeys(options, [.. named.Where(key => key.Key.Name == origin)], false, "named by the log itself");
    }

    /// <summary>Follows the hand-overs, in their order.</summary>
    internal void Follow(IEnumerable<(long Position, RotatedEntry Entry)> handOvers)
    {
        foreach (var (position, entry) in handOvers)
        {
            _retired[entry.OldKey] = position + 1;
            _retired.Remove(entry.NewKey);
            if (_trusted.Exists(key => key.Key.ToString() == entry.OldKey) && !_trusted.Exists(key => key.Key.ToString() == entry.NewKey) && VerifierOf(entry.NewKey, _options) is { } next)
                _trusted.Add(next);
        }
    }

    /// <summary>The key that signed a checkpoint and was in use at its size; null with the reason where there is none.</summary>
    internal NoteKey? SignerOf(SignedNote note, long size, out string problem)
    {
        if (!note.Verify(_trusted, out var signers, out problem))
        {
            problem += $" (keys {Source}: {string.Join(", ", _trusted.Select(static key => key.Key))})";
            return null;
        }

        // At a hand-over both sign; the one that goes on is named.
        var signer = signers.LastOrDefault(key => !_retired.ContainsKey(key.ToString())) ?? signers.FirstOrDefault(key => size <= _retired[key.ToString()]);
        if (signer is null)
            problem = string.Create(CultureInfo.InvariantCulture, $"it is signed by {signers[0]} alone, which handed the log over at {_retired[signers[0].ToString()]} entries");
        return signer;
    }

    private static INoteVerifier? VerifierOf(string line, OutsideOptions options) =>
        NoteKey.TryParse(line, out var key, out _) && key.Algorithm is not NoteAlgorithm.CosignatureV1 ? options.VerifierOf(key) : null;
}
