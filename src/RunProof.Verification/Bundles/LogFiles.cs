using System.Globalization;
using System.Text;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>What was found about an entry, a checkpoint or a fork proof that came alone. Only <see cref="LogFiles"/> makes one.</summary>
public sealed class LogFileReport : FileReport
{
    internal LogFileReport(FileJudgement judgement)
        : base(judgement)
    {
    }

    /// <summary>The entry's index, where the file is a proof about one.</summary>
    public long? Index { get; init; }

    /// <summary>The trace that the entry is about, where it is one of RunProof's.</summary>
    public string? TraceId { get; init; }
}

/// <summary>Verifies the log's own files without a trace: entries with their proof, checkpoints, proofs of a fork. Bytes of any kind give findings.</summary>
public static class LogFiles
{
    /// <summary>Verifies that an entry is in a log.</summary>
    /// <param name="proof">A C2SP tlog-proof.</param>
    /// <param name="entry">The entry's exact bytes.</param>
    /// <param name="options">What may be relied on.</param>
    /// <returns>The report.</returns>
    public static LogFileReport VerifyEntry(string proof, byte[] entry, BundleOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(entry);
        var (checks, log) = Lists(options);
        var judge = new LogJudge(null, options, checks, log);
        var trace = TraceOf(entry, checks);
        if (!TlogProof.TryParse(proof, out var read, out var problem))
        {
            Malformed(log, problem);
            return new LogFileReport(FileJudgement.Of(EvidenceChecks.RequiredForEntry, options, checks, log, judge)) { TraceId = trace?.TraceId };
        }

        checks.Pass(EvidenceCheck.FileForm, "a tlog-proof");
        Try(judge, () => judge.JudgeProof(entry, read, null, trace?.TenantId));
        // A file that an editor or a shell wrote ends with a line end that the log's entry has not.
        if (entry is [.., (byte)'\n'] && judge.Checkpoint is { } head && SignedHead.Covers(head, read.Index, entry.AsSpan(0, entry.Length - 1), read.Path))
            log.Note(new Finding(FindingCodes.LogInclusionMismatch, "entry", "entry: without its last line end it is in the tree: the entry's bytes are those that were logged, and nothing more"));
        return new LogFileReport(FileJudgement.Of(EvidenceChecks.RequiredForEntry, options, checks, log, judge)) { Index = read.Index, TraceId = trace?.TraceId };
    }

    /// <summary>Verifies a signed checkpoint.</summary>
    /// <param name="bytes">The note.</param>
    /// <param name="options">What may be relied on.</param>
    /// <returns>The report.</returns>
    public static LogFileReport VerifyCheckpoint(ReadOnlySpan<byte> bytes, BundleOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var (checks, log) = Lists(options);
        var judge = new LogJudge(null, options, checks, log);
        if (!SignedNote.TryParse(bytes, out var note, out var problem) || !Checkpoint.TryParse(note.Text, out _, out problem))
        {
            Malformed(log, problem);
        }
        else
        {
            checks.Pass(EvidenceCheck.FileForm, "a checkpoint in a signed note");
            Try(judge, () => judge.JudgeSignature(null, note, null));
        }

        return new LogFileReport(FileJudgement.Of(EvidenceChecks.RequiredForCheckpoint, options, checks, log, judge));
    }

    /// <summary>Verifies that a log showed two histories. VERIFIED means that it did.</summary>
    /// <param name="older">A signed checkpoint.</param>
    /// <param name="newer">A signed checkpoint that is not smaller.</param>
    /// <param name="rootAtOlderSize">The root that the newer tree has at the older one's size.</param>
    /// <param name="path">The consistency proof from that root to the newer one's.</param>
    /// <param name="options">What may be relied on; witnesses are not asked for, the log's two signatures convict it.</param>
    /// <returns>The report.</returns>
    public static LogFileReport VerifyFork(SignedNote older, SignedNote newer, Digest rootAtOlderSize, IReadOnlyList<Digest> path, BundleOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(newer);
        options = options with { Quorum = null };
        var (checks, log) = Lists(options);
        checks.Pass(EvidenceCheck.FileForm, "two signed checkpoints and a root");
        var (first, second) = (new LogJudge(null, options, checks, log), new LogJudge(null, options, checks, log));
        Checkpoint? before = null, after = null;
        Try(first, () => before = first.JudgeSignature(null, older, null));
        if (before is not null)
            Try(second, () => after = second.JudgeSignature(null, newer, null));
        if (before is null || after is null)
            checks.NotDone(EvidenceCheck.Fork, "there are not two checkpoints that could be relied on");
        else if (Contradiction(before, after, rootAtOlderSize, path) is { } problem)
            log.Add(EvidenceCheck.Fork, new Finding(FindingCodes.NoFork, "root_at_older_size", "root_at_older_size: " + problem));
        else
            checks.Pass(EvidenceCheck.Fork, string.Create(CultureInfo.InvariantCulture, $"{before.Origin} signed two histories: they differ within the first {before.Size} entries"));
        return new LogFileReport(FileJudgement.Of(EvidenceChecks.RequiredForFork, options, checks, log, second.SignedBy is null ? first : second));
    }

    /// <summary>A report on a file that has not even the form of its kind.</summary>
    /// <param name="problem">What is wrong.</param>
    /// <param name="options">Findings kept.</param>
    /// <returns>The report: FAILED.</returns>
    public static LogFileReport MalformedFork(string problem, BundleOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var (checks, log) = Lists(options);
        Malformed(log, problem);
        return new LogFileReport(FileJudgement.Of(EvidenceChecks.RequiredForFork, options with { Quorum = null }, checks, log));
    }

    private static string? Contradiction(Checkpoint before, Checkpoint after, Digest root, IReadOnlyList<Digest> path)
    {
        if (!string.Equals(before.Origin, after.Origin, StringComparison.Ordinal))
            return "the checkpoints are of two logs";
        if (!MerkleProofs.VerifyConsistency((ulong)before.Size, (ulong)after.Size, [.. path], root, after.Root))
            return "the newer checkpoint does not commit to that root at the older size";
        return root == before.Root ? "the two agree: the log did not fork" : null;
    }

    /// <summary>Whose the entry is. An entry of another application is in its log all the same.</summary>
    private static (string TraceId, string TenantId)? TraceOf(byte[] entry, CheckList checks)
    {
        (string, string)? trace = null;
        if (CanonicalBytes.TryRead<SealedEntry>(entry, out var ended, out _))
            trace = (ended.TraceId.Value, ended.TenantId.Value);
        else if (CanonicalBytes.TryRead<OpenedEntry>(entry, out var opened, out _))
            trace = (opened.TraceId.Value, opened.TenantId.Value);
        if (trace is null)
            checks.NotDone(EvidenceCheck.LogEntry, "it is no entry of RunProof, and nothing is said about its content");
        else
            checks.Pass(EvidenceCheck.LogEntry, ended is null ? "it says that a trace was opened" : "it says that a trace was sealed");
        return trace;
    }

    private static (CheckList Checks, FindingLog Log) Lists(BundleOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxFindings, 1, nameof(options));
        var checks = new CheckList();
        return (checks, new FindingLog(checks, options.MaxFindings));
    }

    private static void Malformed(FindingLog log, string problem) => log.Add(EvidenceCheck.FileForm, new Finding(FindingCodes.FileMalformed, "file", "file: " + problem));

    private static void Try(LogJudge judge, Action work)
    {
        try
        {
            work();
        }
        catch (PlatformNotSupportedException e)
        {
            judge.NothingDone(e.Message);
        }
    }
}
