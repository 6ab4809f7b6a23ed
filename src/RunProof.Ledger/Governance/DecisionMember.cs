using System.Buffers;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>Splices <c>policy</c> into a step's context where canonical order wants it.</summary>
internal static class DecisionMember
{
    private const string Member = "policy";

    /// <summary>Adds the decision.</summary>
    /// <param name="context">A JSON object, or null for an empty one.</param>
    /// <param name="decision">The decision.</param>
    /// <exception cref="ArgumentException">The object has such a member already: only the recorder writes it.</exception>
    internal static CanonicalJson AddTo(CanonicalJson? context, StepDecision decision)
    {
        var bytes = context is null ? "{}"u8 : context.Bytes.Span;
        var at = PlaceOf(bytes);
        var value = decision.Evidence.Bytes.Span;
        var output = new byte[bytes.Length + value.Length + 10 + (bytes.Length > 2 ? 1 : 0)];
        var rest = output.AsSpan();
        Put(ref rest, bytes[..at]);
        var isLast = at == bytes.Length - 1;
        if (isLast && at > 1)
            Put(ref rest, ","u8);
        Put(ref rest, "\"policy\":"u8);
        Put(ref rest, value);
        if (!isLast)
            Put(ref rest, ","u8);
        Put(ref rest, bytes[at..]);
        return CanonicalJson.FromCanonicalBytes(output.AsMemory(0, output.Length - rest.Length));
    }

    /// <summary>Refuses a context that has the member.</summary>
    /// <param name="context">A JSON object, or null.</param>
    internal static void Check(CanonicalJson? context)
    {
        if (context is not null)
            PlaceOf(context.Bytes.Span);
    }

    private static int PlaceOf(ReadOnlySpan<byte> canonical)
    {
        var reader = new Utf8JsonReader(canonical, new JsonReaderOptions { MaxDepth = Canonicalizer.MaxDepth + 2 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var order = string.CompareOrdinal(reader.GetString(), Member);
            if (order == 0)
                throw new ArgumentException($"the context has a member \"{Member}\": only the recorder writes it", nameof(canonical));
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
