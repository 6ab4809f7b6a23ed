using System.Buffers;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// Splices what was decided of a step into its context where canonical order wants it: <c>policy</c>, and <c>approval</c> where people were asked; and <c>log_opening</c>
/// where the step waited for its trace's opening to be in the log.
/// </summary>
internal static class DecisionMember
{
    private const string Policy = "policy";
    private const string Approval = "approval";
    private const string LogOpening = "log_opening";

    /// <summary>Adds the decision.</summary>
    /// <param name="context">A JSON object, or null for an empty one.</param>
    /// <param name="decision">The decision.</param>
    /// <param name="logOpening">The proof that the trace's opening is in the log, or null.</param>
    /// <exception cref="ArgumentException">The object has such a member already: only the recorder writes it.</exception>
    internal static CanonicalJson AddTo(CanonicalJson? context, StepDecision decision, string? logOpening = null)
    {
        var decided = AddTo(context is null ? "{}"u8 : context.Bytes.Span, Policy, "\"policy\":"u8, decision.Evidence.Bytes.Span);
        if (decision.Approval is { } approval)
            decided = AddTo(decided.Span, Approval, "\"approval\":"u8, approval.Evidence.Bytes.Span);
        return CanonicalJson.FromCanonicalBytes(logOpening is null ? decided : AddTo(decided.Span, LogOpening, "\"log_opening\":"u8, Text(logOpening)));
    }

    private static ReadOnlySpan<byte> Text(string text)
    {
        var buffer = new ArrayBufferWriter<byte>(text.Length + 64);
        var writer = new CanonicalWriter(buffer);
        writer.WriteString(text);
        writer.Flush();
        return buffer.WrittenSpan;
    }

    /// <summary>Refuses a context that has one of the members.</summary>
    /// <param name="context">A JSON object, or null.</param>
    internal static void Check(CanonicalJson? context)
    {
        if (context is null)
            return;
        PlaceOf(context.Bytes.Span, Policy);
        PlaceOf(context.Bytes.Span, Approval);
    }

    private static ReadOnlyMemory<byte> AddTo(ReadOnlySpan<byte> bytes, string member, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var at = PlaceOf(bytes, member);
        var output = new byte[bytes.Length + name.Length + value.Length + (bytes.Length > 2 ? 1 : 0)];
        var rest = output.AsSpan();
        Put(ref rest, bytes[..at]);
        var isLast = at == bytes.Length - 1;
        if (isLast && at > 1)
            Put(ref rest, ","u8);
        Put(ref rest, name);
        Put(ref rest, value);
        if (!isLast)
            Put(ref rest, ","u8);
        Put(ref rest, bytes[at..]);
        return output.AsMemory(0, output.Length - rest.Length);
    }

    private static int PlaceOf(ReadOnlySpan<byte> canonical, string member)
    {
        var reader = new Utf8JsonReader(canonical, new JsonReaderOptions { MaxDepth = Canonicalizer.MaxDepth + 2 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var order = string.CompareOrdinal(reader.GetString(), member);
            if (order == 0)
                throw new ArgumentException($"the context has a member \"{member}\": only the recorder writes it", nameof(canonical));
            if (order > 0)
                return (int)reader.TokenStartIndex;
            reader.Read();
            reader.Skip();
        }

        return canonical.Length - 1;
    }

    private static void Put(ref Span<byte> target, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(target);
        target = target[bytes.Length..];
    }
}
