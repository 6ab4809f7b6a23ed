using System.Globalization;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>Where a step stands in the order of its trace.</summary>
internal enum StepPosition
{
    /// <summary>After the one before.</summary>
    Next,

    /// <summary>A step before it is missing.</summary>
    AfterGap,

    /// <summary>It was there before, or should have been.</summary>
    OutOfOrder,
}

/// <summary>
/// Links. Two chains are followed at once: the recomputed one, from the header on, by which the whole is judged; and the recorded one, on which
/// each step is judged by itself, so that one change is one finding and does not smear over all steps after it.
/// </summary>
/// <remarks>
/// A record and its recorded link that disagree leave open which of the two was changed. What follows tells: where the next record continues
/// from the recomputed link, only the recorded link was. So such a finding waits for one record.
/// </remarks>
internal sealed class ChainJudge(FindingLog log)
{
    private readonly ChainHasher _hasher = new();
    private Digest? _recorded;
    private Digest? _candidate;
    private Waiting? _waiting;
    private bool _broken;

    /// <summary>The link recomputed from the header and all steps so far; null where a record was none of the format.</summary>
    internal Digest? Recomputed { get; private set; }

    /// <summary>The last recorded link; null where it is missing.</summary>
    internal Digest? Recorded => _recorded;

    /// <summary>Steps whose link was recomputed and is the recorded one, from step 0 without a break.</summary>
    internal int Holding { get; private set; }

    /// <summary>Whether the header and every step so far gave exactly the recorded link.</summary>
    internal bool IsWhole => !_broken && Recomputed is not null && Recomputed == _recorded;

    internal void Begin(TraceHeader? header, byte[]? link, Func<TraceHeader, Func<TraceHeader, bool>, Suspect?> suspects, List<Judged> before, List<Judged> after)
    {
        Recomputed = header is null ? null : _hasher.Link(header);
        _recorded = DigestOf(link);
        log.Add(before);
        if (header is null || Recomputed == _recorded)
        {
            _broken |= header is null;
            log.Add(after);
            return;
        }

        Break(new Waiting(Place.Header, EvidenceCheck.Header, FindingCodes.HeaderLinkMismatch, link is null, after), Recomputed, _recorded is { } target
            ? suspects(header, guess => _hasher.Link(guess) == target)
            : null);
    }

    /// <summary>Judges a step by the recorded link before it.</summary>
    /// <param name="step">The step; null where it is no record of the format.</param>
    /// <param name="position">Where it stands: where the step before it is missing, nothing can be said about its link.</param>
    /// <param name="link">Its recorded link.</param>
    /// <param name="place">Where it is.</param>
    /// <param name="suspects">Finds the column that was changed.</param>
    /// <param name="before">Its findings that come before its link's.</param>
    /// <param name="after">Its findings that come after.</param>
    internal void Add(TraceStep? step, StepPosition position, byte[]? link, Place place, Func<TraceStep, Func<TraceStep, bool>, Suspect?> suspects, List<Judged> before, List<Judged> after)
    {
        var follows = position is StepPosition.Next;
        var target = DigestOf(link);
        var onRecorded = step is not null && follows && _recorded is { } recorded ? _hasher.Link(recorded, step) : (Digest?)null;
        var onCandidate = step is not null && follows && _candidate is { } candidate ? _hasher.Link(candidate, step) : (Digest?)null;
        Extend(step, onRecorded);
        if (target is { } reached && (onRecorded == reached || onCandidate == reached))
        {
            Settle(onlyTheLink: onRecorded != reached);
            log.Add(before);
            log.Add(after);
            _candidate = null;
            Holding += _broken ? 0 : 1;
        }
        else
        {
            Settle(onlyTheLink: false);
            log.Add(before);
            Fail(step, follows, place, link, target, onRecorded ?? onCandidate, suspects, after);
        }

        // A step out of order is no place to go on from: the step after it follows the last one that was in order.
        if (position is not StepPosition.OutOfOrder)
            _recorded = target;
    }

    /// <summary>At the end: the seal tells whether the last record's link was changed or the record.</summary>
    /// <param name="continuesFrom">Whether seal and root_hash hold on a link.</param>
    internal void Finish(Func<Digest, bool> continuesFrom) => Settle(_candidate is { } candidate && continuesFrom(candidate));

    internal Digest Root(Digest last, TraceSeal seal) => _hasher.Root(last, seal);

    /// <summary>Whether a step gives its recorded link on the recorded link before it.</summary>
    internal bool Holds(TraceStep step, byte[]? link) =>
        DigestOf(link) is { } target && ((_recorded is { } recorded && _hasher.Link(recorded, step) == target) || (_candidate is { } candidate && _hasher.Link(candidate, step) == target));

    private void Extend(TraceStep? step, Digest? onRecorded)
    {
        if (Recomputed is not { } last)
            return;
        // While both chains agree, one hash serves both.
        Recomputed = step is null ? null : onRecorded is not null && last == _recorded ? onRecorded : _hasher.Link(last, step);
    }

    private void Fail(TraceStep? step, bool follows, Place place, byte[]? link, Digest? target, Digest? reached, Func<TraceStep, Func<TraceStep, bool>, Suspect?> suspects, List<Judged> after)
    {
        _broken = true;
        if (step is null || !follows || reached is null)
        {
            // Named already: it is no record of the format, or stands where nothing it could follow is known.
            _candidate = null;
            if (target is null)
                log.Add(EvidenceCheck.HashChain, place.At("link").Finding(FindingCodes.LinkChanged, link is null ? "is missing" : "has not 32 bytes"));
            log.Add(after);
            return;
        }

        Break(new Waiting(place, EvidenceCheck.HashChain, FindingCodes.StepLinkMismatch, link is null, after), reached, target is null ? null : suspects(step, guess => Holds(guess, link)));
    }

    private void Break(Waiting finding, Digest? reached, Suspect? suspect)
    {
        _broken = true;
        _waiting = finding;
        _candidate = reached;
        if (suspect is not { } found)
            return;
        log.Add(finding.Check, finding.Place.At(found.Column).Finding(finding.Code, $"does not match its link, which holds with {found.Holds}"));
        log.Add(finding.After);
        _waiting = null;
        _candidate = null;
    }

    private void Settle(bool onlyTheLink)
    {
        if (_waiting is not { } finding)
            return;
        var what = finding.Place.Subject.StartsWith("step", StringComparison.Ordinal) ? "the step" : "the header";
        log.Add(finding.Check, onlyTheLink
            ? finding.Place.At("link").Finding(FindingCodes.LinkChanged, finding.LinkMissing ? $"is missing; {what} itself holds" : $"was changed; {what} itself holds")
            : finding.Place.Finding(finding.Code, "does not match its link"));
        // A changed link fails the chain even where the record before it belongs to another check.
        log.Fail(EvidenceCheck.HashChain, string.Create(CultureInfo.InvariantCulture, $"{finding.Place.Subject}: does not match its link"));
        log.Add(finding.After);
        _waiting = null;
    }

    private static Digest? DigestOf(byte[]? bytes) => bytes is { Length: Digest.Length } ? new Digest(bytes) : null;

    private sealed record Waiting(Place Place, EvidenceCheck Check, string Code, bool LinkMissing, List<Judged> After);
}
