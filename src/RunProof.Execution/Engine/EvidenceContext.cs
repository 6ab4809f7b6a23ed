using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>The open JSON objects that the engine adds to evidence. Members are written in the order of their names, as canonical JSON wants them.</summary>
internal static class EvidenceContext
{
    private const long MaxSafe = 9_007_199_254_740_991;

    private static readonly Dictionary<string, CanonicalJson> NoMembers = [];

    /// <summary>The context of a trace: on whose behalf, by which process, with which skills, under which policies (null where they were not known).</summary>
    public static CanonicalJson OfTrace(string agentName, string worker, string version, SkillRegistry skills, CanonicalJson? policies, string? traceParent, BudgetLimits? budget = null)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{\"agent_name\":"u8);
        writer.WriteString(EvidenceText.Message(agentName));
        if (budget is not null)
        {
            writer.WriteRaw(",\"budget\":"u8);
            writer.WriteJson(budget.ToCanonicalJson());
        }

        writer.WriteRaw(",\"policies\":"u8);
        if (policies is null)
            writer.WriteNull();
        else
            writer.WriteJson(policies);
        writer.WriteRaw(",\"runproof_version\":"u8);
        writer.WriteString(version);
        if (skills.Assemblies.Count > 0)
            WriteDigests(ref writer, ",\"skill_assemblies\":{"u8, skills.Assemblies.Select(assembly => (assembly.File, assembly.Digest)));
        WriteDigests(ref writer, ",\"skills\":{"u8, skills.All.Select(skill => (skill.Name, skill.Schema)));
        WriteTraceParent(ref writer, traceParent);
        writer.WriteRaw(",\"worker\":"u8);
        writer.WriteString(worker);
        writer.WriteRaw("}"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    /// <summary>The context of a step.</summary>
    /// <param name="step">Its plan's name for it.</param>
    /// <param name="planIndex">Its place in the plan.</param>
    /// <param name="attempt">Attempts before it.</param>
    /// <param name="worker">The process.</param>
    /// <param name="traceParent">The W3C context of its span, or null.</param>
    /// <param name="failure">Why it failed, or null.</param>
    /// <param name="note">What else a reader must know, or null.</param>
    /// <param name="resumed">Whether it is executed once more because a crash hid what came of it the first time.</param>
    /// <param name="tokens">Tokens of models that it used.</param>
    /// <param name="usage">The model that it called, or null.</param>
    public static CanonicalJson OfStep(
        string step, int planIndex, int attempt, string worker, string? traceParent, SkillFailure? failure, string? note = null, bool resumed = false, long tokens = 0,
        ModelUsage? usage = null)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{\"attempt\":"u8);
        writer.WriteInt32(attempt);
        if (failure is not null)
        {
            writer.WriteRaw(",\"error\":"u8);
            Write(ref writer, failure.Code, failure.Message);
        }

        if (note is not null)
        {
            writer.WriteRaw(",\"note\":"u8);
            writer.WriteString(note);
        }

        writer.WriteRaw(",\"plan_index\":"u8);
        writer.WriteInt32(planIndex);
        writer.WriteRaw(",\"plan_step\":"u8);
        writer.WriteString(step);
        if (resumed)
            writer.WriteRaw(",\"resumed\":true"u8);
        if (tokens > 0)
        {
            writer.WriteRaw(",\"tokens\":"u8);
            writer.WriteSafeInteger(Math.Min(tokens, MaxSafe));
        }

        WriteTraceParent(ref writer, traceParent);
        if (usage is not null)
            Write(ref writer, usage);
        writer.WriteRaw(",\"worker\":"u8);
        writer.WriteString(worker);
        writer.WriteRaw("}"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    /// <summary>How a step came to be executed, or not: members of its context that most steps have not.</summary>
    public static IReadOnlyDictionary<string, CanonicalJson> OfWay(Flight flight)
    {
        if (flight is { Condition: null, IsFallback: false, PassedOver: null })
            return NoMembers;
        var members = new Dictionary<string, CanonicalJson>(StringComparer.Ordinal);
        if (flight.Condition is { } condition)
            members["condition"] = condition.Evidence;
        if (flight.IsFallback)
            members["fallback"] = CanonicalJson.FromCanonicalBytes("true"u8.ToArray());
        if (flight.PassedOver is { Failure: null, Through: var through })
            members["skipped"] = through is null ? OriginTrace.Object(("because", OfText("condition"))) : OriginTrace.Object(("because", OfText("reference")), ("step", OfText(through)));
        return members;
    }

    /// <summary>A context with more members; those that it has already stay as they are.</summary>
    public static CanonicalJson With(CanonicalJson context, IReadOnlyDictionary<string, CanonicalJson> members)
    {
        if (members.Count == 0)
            return context;
        var all = new SortedDictionary<string, CanonicalJson>(StringComparer.Ordinal);
        using (var document = context.ToDocument())
        {
            foreach (var member in document.RootElement.EnumerateObject())
                all[member.Name] = CanonicalJson.FromCanonicalBytes(JsonMarshal.GetRawUtf8Value(member.Value).ToArray());
        }

        foreach (var (name, value) in members)
            all.TryAdd(name, value);
        var buffer = new ArrayBufferWriter<byte>(512);
        var writer = new CanonicalWriter(buffer);
        var separator = "{"u8;
        foreach (var (name, value) in all)
        {
            writer.WriteRaw(separator);
            separator = ","u8;
            writer.WriteString(name);
            writer.WriteRaw(":"u8);
            writer.WriteJson(value);
        }

        writer.WriteRaw("}"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    /// <summary>The pins of a trace that another process opened; none where its context is not known any more.</summary>
    public static IReadOnlyDictionary<string, CanonicalJson> PinsIn(string? traceContext)
    {
        var pins = new Dictionary<string, CanonicalJson>(StringComparer.Ordinal);
        if (traceContext is null)
            return pins;
        using var document = JsonDocument.Parse(traceContext, ReferenceResolver.Deep);
        foreach (var member in document.RootElement.EnumerateObject())
        {
            if (member.Value.ValueKind is JsonValueKind.Object)
                pins[member.Name] = CanonicalJson.FromCanonicalBytes(JsonMarshal.GetRawUtf8Value(member.Value).ToArray());
        }

        return pins;
    }

    /// <summary>The metadata of a seal.</summary>
    public static CanonicalJson OfSeal(double durationMs, int steps, int failedSteps, string worker, RunOutcome outcome)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{"u8);
        if (outcome.CancelBy is { } by)
        {
            writer.WriteRaw("\"cancel_reason\":"u8);
            if (outcome.CancelReason is { } reason)
                writer.WriteString(EvidenceText.Message(reason));
            else
                writer.WriteNull();
            writer.WriteRaw(",\"cancelled_by\":"u8);
            writer.WriteString(by);
            writer.WriteRaw(","u8);
        }

        writer.WriteRaw("\"duration_ms\":"u8);
        writer.WriteDouble(durationMs);
        if (outcome.ErrorCode is { } code)
        {
            writer.WriteRaw(",\"error\":"u8);
            Write(ref writer, code, outcome.ErrorMessage);
        }

        writer.WriteRaw(",\"failed_steps\":"u8);
        writer.WriteInt32(failedSteps);
        if (outcome.Kill is { } kill)
        {
            writer.WriteRaw(",\"kill_reason\":"u8);
            writer.WriteString(EvidenceText.Message(kill.Reason));
            writer.WriteRaw(",\"kill_switch\":"u8);
            writer.WriteString(kill.EvidenceName);
            writer.WriteRaw(",\"killed_by\":"u8);
            writer.WriteString(kill.SetBy);
        }

        writer.WriteRaw(",\"steps\":"u8);
        writer.WriteInt32(steps);
        writer.WriteRaw(",\"worker\":"u8);
        writer.WriteString(worker);
        writer.WriteRaw("}"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    /// <summary>A text as a canonical JSON string.</summary>
    public static CanonicalJson OfText(string text)
    {
        var buffer = new ArrayBufferWriter<byte>(text.Length + 2);
        var writer = new CanonicalWriter(buffer);
        writer.WriteString(text);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    private static void Write(ref CanonicalWriter writer, ModelUsage usage)
    {
        writer.WriteRaw(",\"usage\":{\"cached_tokens\":"u8);
        writer.WriteSafeInteger(Math.Min(usage.CachedTokens, MaxSafe));
        writer.WriteRaw(",\"cost_cents\":"u8);
        writer.WriteDecimalString(usage.CostCents);
        writer.WriteRaw(",\"input_tokens\":"u8);
        writer.WriteSafeInteger(Math.Min(usage.InputTokens, MaxSafe));
        writer.WriteRaw(",\"model\":"u8);
        writer.WriteString(EvidenceText.Message(usage.Model));
        writer.WriteRaw(",\"output_tokens\":"u8);
        writer.WriteSafeInteger(Math.Min(usage.OutputTokens, MaxSafe));
        writer.WriteRaw(",\"price_version\":"u8);
        WriteText(ref writer, usage.PriceVersion);
        writer.WriteRaw(",\"provider\":"u8);
        writer.WriteString(EvidenceText.Message(usage.Provider));
        writer.WriteRaw(",\"reasoning_tokens\":"u8);
        writer.WriteSafeInteger(Math.Min(usage.ReasoningTokens, MaxSafe));
        writer.WriteRaw(",\"response_id\":"u8);
        WriteText(ref writer, usage.ResponseId);
        writer.WriteRaw("}"u8);
    }

    private static void WriteText(ref CanonicalWriter writer, string? text)
    {
        if (text is null)
            writer.WriteNull();
        else
            writer.WriteString(EvidenceText.Message(text));
    }

    private static void Write(ref CanonicalWriter writer, string code, string? message)
    {
        writer.WriteRaw("{\"code\":"u8);
        writer.WriteString(EvidenceText.Code(code));
        writer.WriteRaw(",\"message\":"u8);
        writer.WriteString(EvidenceText.Message(message));
        writer.WriteRaw("}"u8);
    }

    /// <summary>An object of digests by name; the names come in order.</summary>
    private static void WriteDigests(ref CanonicalWriter writer, ReadOnlySpan<byte> begin, IEnumerable<(string Name, Digest Digest)> digests)
    {
        writer.WriteRaw(begin);
        var first = true;
        foreach (var (name, digest) in digests)
        {
            if (!first)
                writer.WriteRaw(","u8);
            first = false;
            writer.WriteString(name);
            writer.WriteRaw(":"u8);
            digest.WriteCanonical(ref writer);
        }

        writer.WriteRaw("}"u8);
    }

    private static void WriteTraceParent(ref CanonicalWriter writer, string? traceParent)
    {
        if (traceParent is null)
            return;
        writer.WriteRaw(",\"traceparent\":"u8);
        writer.WriteString(traceParent);
    }
}
