using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;
using RunProof.Verification;

namespace RunProof.Execution;

/// <summary>Which attempt of which planned step: what two executions of a plan have in common, in whatever order they were recorded.</summary>
internal readonly record struct AttemptKey(int PlanIndex, int Attempt);

/// <summary>A step of an origin, as it is recorded and as a comparison sees it.</summary>
internal sealed record OriginStep(RecordedStep Recorded, ComparableStep Comparable)
{
    public static OriginStep Of(RecordedStep step) => new(step, ComparableStep.Of(step));

    public AttemptKey Key => new(Comparable.PlanIndex, Comparable.Attempt);

    /// <summary>Why it failed, as its context says; null where it did not.</summary>
    public (string Code, string Message)? Error()
    {
        if (Recorded.Status is "succeeded" or "skipped")
            return null;
        using var context = Context();
        var error = context is not null && context.RootElement.TryGetProperty("error", out var found) ? found : default;
        return (TraceRecovery.TextOf(error, "code") ?? Recorded.OutcomeCode ?? "skill_error", TraceRecovery.TextOf(error, "message") ?? "the origin's step failed; why, its evidence no longer says");
    }

    /// <summary>Whether it was refused, and the run went on.</summary>
    public bool RunWentOn()
    {
        using var context = Context();
        return context is not null && context.RootElement.TryGetProperty("policy", out var decision) && TraceRecovery.TextOf(decision, "on_block") is "continue";
    }

    // It is looked at before it is known to verify.
    private JsonDocument? Context()
    {
        try
        {
            return Recorded.Context.Text is { } text && JsonDocument.Parse(text, ReferenceResolver.Deep) is { RootElement.ValueKind: JsonValueKind.Object } context ? context : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>What is kept of every step of an origin: enough to know what is to be done without reading it, and whether what is read again is what was verified.</summary>
internal readonly record struct OriginMark(AttemptKey Key, string PlanStep, string Skill, StepStatus Status, bool IsSkip, bool RunWentOn, Digest Print);

/// <summary>
/// An origin that was recomputed and found VERIFIED: nothing else of a run's past is ever relied on. Its steps are read by pages and forgotten; one that is read again is
/// compared with the one that was verified.
/// </summary>
internal sealed class OriginTrace
{
    private readonly OriginPages _pages;
    private readonly Dictionary<AttemptKey, int> _places = [];
    private readonly List<OriginMark> _marks = [];
    private readonly Dictionary<int, StepEnd> _before = [];
    private readonly HashSet<string> _skills = new(StringComparer.Ordinal);
    private (int Steps, byte[] Link) _shared;

    private OriginTrace(RecordedTrace trace, OriginPages pages) => (Trace, _pages, _shared) = (trace, pages, (0, trace.HeaderLink ?? []));

    public RecordedTrace Trace { get; }

    /// <summary>The root hash as recomputed.</summary>
    public Digest Root { get; private set; }

    /// <summary>Every step, by its index.</summary>
    public IReadOnlyList<OriginMark> Marks => _marks;

    /// <summary>Whether something ended it that is no outcome of its steps: it was cancelled, or its process died.</summary>
    public bool WasBrokenOff => Trace.Status is "aborted";

    /// <summary>Recomputes it, a page at a time.</summary>
    /// <param name="pages">Where it is read from.</param>
    /// <param name="run">The run that names it.</param>
    /// <param name="needed">Whether a step of the run refers to the outcome of a planned step before its first, by its place in the plan.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The trace; or why it cannot be relied on.</returns>
    public static async Task<(OriginTrace? Origin, string Problem)> VerifyAsync(OriginPages pages, Run run, Func<int, bool> needed, CancellationToken cancellationToken)
    {
        if (await pages.FindAsync(cancellationToken) is not { } trace)
            return (null, "is not there");
        var origin = new OriginTrace(trace, pages);
        var verifier = TraceVerifier.Begin(trace, new VerificationOptions { Tenant = run.TenantId, Run = run.Origin!.Run, MaxFindings = 10 });
        for (var page = await pages.ReadNextAsync(cancellationToken); page.Count > 0; page = await pages.ReadNextAsync(cancellationToken))
        {
            foreach (var step in page)
            {
                verifier.Add(step);
                origin.Add(step, run.Origin.From, needed);
            }
        }

        var report = verifier.Finish();
        if (report is not { Verdict.Status: VerificationStatus.Verified, RecomputedRootHash: { } root })
            return (null, "does not verify: " + (report.Findings.Count > 0 ? report.Findings[0].Message : "not everything that must be checked could be"));
        origin.Root = root;
        return (origin, "");
    }

    /// <summary>Whether it has an attempt.</summary>
    public bool Has(AttemptKey key) => _places.ContainsKey(key);

    /// <summary>What is known of an attempt without reading it; null where it has none such.</summary>
    public OriginMark? MarkOf(AttemptKey key) => _places.TryGetValue(key, out var place) ? _marks[place] : null;

    /// <summary>Reads an attempt.</summary>
    /// <param name="key">Which.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="OriginChangedException">It is no longer what was verified.</exception>
    /// <returns>The step; null where it has none such.</returns>
    public async ValueTask<OriginStep?> FindAsync(AttemptKey key, CancellationToken cancellationToken)
    {
        if (!_places.TryGetValue(key, out var place))
            return null;
        return await _pages.ReadAsync(place, cancellationToken) is { } step && StepPrint.Of(step) == _marks[place].Print
            ? OriginStep.Of(step)
            : throw new OriginChangedException(string.Create(CultureInfo.InvariantCulture, $"step {place} of the origin, trace {Trace.TraceId}, is no longer what was verified when this run began"));
    }

    /// <summary>
    /// How the planned steps before one ended, by their place in the plan: of each the last attempt. One that never began counts as skipped. Outcomes are those that are
    /// referred to. Whoever takes it empties it.
    /// </summary>
    /// <param name="from">The step, by its place in the plan.</param>
    public Dictionary<int, StepEnd> Before(int from)
    {
        for (var index = 0; index < from; index++)
            _before.TryAdd(index, new StepEnd(StepStatus.Skipped, null, null) { NeverBegan = true });
        return _before;
    }

    /// <summary>How many of the steps are needed for what comes before the planned step that the run begins with, and the link after them.</summary>
    public (int Steps, Digest Link) Shared => (_shared.Steps, new Digest(_shared.Link));

    private void Add(RecordedStep recorded, int from, Func<int, bool> needed)
    {
        var step = OriginStep.Of(recorded);
        // What is no word of the format does not verify, and is looked at no more.
        if (!Wire.TryParse(recorded.Status, out StepStatus status))
            return;
        _places[step.Key] = _marks.Count;
        _skills.Add(recorded.SkillName);
        _skills.TryGetValue(recorded.SkillName, out var skill);
        _marks.Add(new OriginMark(
            step.Key, step.Comparable.PlanStep, skill!, status, recorded.ReplayBehavior is "skip", status is StepStatus.Blocked && step.RunWentOn(), StepPrint.Of(recorded)));
        if (step.Key.PlanIndex >= from)
            return;
        _shared = (_marks.Count, recorded.Link ?? []);
        if (status is StepStatus.Retrying || step.Key.PlanIndex < 0)
            return;
        var failure = step.Error() is { } error ? new SkillFailure(error.Code, error.Message) : null;
        _before[step.Key.PlanIndex] = new StepEnd(status, needed(step.Key.PlanIndex) ? OutcomeOf(recorded) : null, failure, step.Comparable.Outcome.Hidden is null);
    }

    /// <summary>A recorded outcome; null where there is none, or it is erased.</summary>
    public static CanonicalJson? OutcomeOf(RecordedStep step) => step.Output.Text is { } text ? CanonicalJson.FromCanonicalBytes(Encoding.UTF8.GetBytes(text)) : null;

    /// <summary>What a replay's header says of its origin.</summary>
    /// <param name="origin">What the run names.</param>
    /// <param name="root">The origin's root hash; null where it did not verify.</param>
    public static CanonicalJson ReplayOf(RunOrigin origin, Digest? root) => Object(
        ("from", Number(origin.From)), ("mode", EvidenceContext.OfText(origin.Mode is ReplayMode.Dry ? "dry" : "check")), ("root_hash", root is { } hash ? EvidenceContext.OfText(hash.ToString()) : Null),
        ("run_id", EvidenceContext.OfText(origin.Run.Value)), ("trace_id", EvidenceContext.OfText(origin.Trace.Value)));

    /// <summary>What a fork's header says of its origin.</summary>
    /// <param name="origin">What the run names.</param>
    /// <param name="shared">How many of the origin's steps it takes over, and the link after them; null where the origin did not verify.</param>
    public static CanonicalJson ForkOf(RunOrigin origin, (int Steps, Digest Link)? shared) => Object(
        ("from", Number(origin.From)), ("link", shared is { } after ? EvidenceContext.OfText(after.Link.ToString()) : Null),
        ("run_id", EvidenceContext.OfText(origin.Run.Value)), ("step_index", Number(shared?.Steps ?? 0)), ("trace_id", EvidenceContext.OfText(origin.Trace.Value)));

    /// <summary>An object of members that come in the order of their names.</summary>
    internal static CanonicalJson Object(params ReadOnlySpan<(string Name, CanonicalJson Value)> members)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        var writer = new CanonicalWriter(buffer);
        var separator = "{"u8;
        foreach (var (name, value) in members)
        {
            writer.WriteRaw(separator);
            writer.WriteString(name);
            writer.WriteRaw(":"u8);
            writer.WriteJson(value);
            separator = ","u8;
        }

        writer.WriteRaw("}"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    internal static CanonicalJson Number(int number) => CanonicalJson.FromCanonicalBytes(Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture)));

    internal static CanonicalJson Null { get; } = CanonicalJson.FromCanonicalBytes("null"u8.ToArray());

    internal static CanonicalJson Array(IEnumerable<CanonicalJson> items)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("["u8);
        var first = true;
        foreach (var item in items)
        {
            if (!first)
                writer.WriteRaw(","u8);
            first = false;
            writer.WriteJson(item);
        }

        writer.WriteRaw("]"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }
}
