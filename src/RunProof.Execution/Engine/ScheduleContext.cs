using System.Buffers;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>What a trace's context says of the schedule that asked for its run.</summary>
internal static class ScheduleContext
{
    /// <summary>Adds <c>schedule</c>: its name, and the time that fired, null where a person asked. A run that no schedule asked for gets nothing.</summary>
    /// <param name="context">The trace's context.</param>
    /// <param name="idempotencyKey">The run's.</param>
    public static CanonicalJson WithSchedule(this CanonicalJson context, string? idempotencyKey)
    {
        if (ScheduledRun.Of(idempotencyKey) is not { } scheduled)
            return context;
        var buffer = new ArrayBufferWriter<byte>(128);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{\"due\":"u8);
        if (scheduled.Due is { } due)
            writer.WriteString(WireTime.ToText(due));
        else
            writer.WriteNull();
        writer.WriteRaw(",\"name\":"u8);
        writer.WriteString(scheduled.Name);
        writer.WriteRaw("}"u8);
        writer.Flush();
        var member = CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
        return EvidenceContext.With(context, new Dictionary<string, CanonicalJson>(StringComparer.Ordinal) { ["schedule"] = member });
    }
}
