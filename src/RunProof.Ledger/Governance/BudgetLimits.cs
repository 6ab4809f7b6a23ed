using System.Buffers;
using System.Globalization;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>What may be used; null: as much as one likes.</summary>
/// <param name="CostCents">Cents, exactly.</param>
/// <param name="Tokens">Tokens of models.</param>
/// <param name="Steps">Attempts that the gate lets through.</param>
/// <param name="Runs">Runs created.</param>
/// <param name="DurationMs">Milliseconds from the start of the run's attempt.</param>
public sealed record BudgetLimits(decimal? CostCents = null, long? Tokens = null, long? Steps = null, long? Runs = null, long? DurationMs = null)
{
    /// <summary>The largest whole number that a limit may be.</summary>
    public const long Most = 9_007_199_254_740_991;

    /// <summary>Whether nothing is limited.</summary>
    public bool IsEmpty => CostCents is null && Tokens is null && Steps is null && Runs is null && DurationMs is null;

    /// <summary>The limits as canonical JSON: the members that are given, amounts as texts.</summary>
    /// <returns>An object.</returns>
    public CanonicalJson ToCanonicalJson()
    {
        var buffer = new ArrayBufferWriter<byte>(96);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{"u8);
        Write(ref writer, first: true);
        writer.WriteRaw("}"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    /// <summary>Reads what <see cref="ToCanonicalJson"/> wrote.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="FormatException">It is something else.</exception>
    /// <returns>The limits.</returns>
    public static BudgetLimits Parse(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return Read(document.RootElement);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new FormatException("the limits of a budget cannot be read as they were stored", fault);
        }
    }

    /// <summary>Reads limits among an object's members.</summary>
    internal static BudgetLimits Read(JsonElement root) => new(
        root.TryGetProperty("cost_cents", out var cost) ? decimal.Parse(cost.GetString()!, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture) : null,
        Whole(root, "tokens"), Whole(root, "steps"), Whole(root, "runs"), Whole(root, "duration_ms"));

    /// <summary>Writes the members in the order of their names, which no member of a budget's document stands between.</summary>
    internal void Write(ref CanonicalWriter writer, bool first)
    {
        if (CostCents is { } cents)
        {
            writer.WriteRaw(first ? "\"cost_cents\":"u8 : ",\"cost_cents\":"u8);
            writer.WriteDecimalString(cents);
            first = false;
        }

        Write(ref writer, "duration_ms"u8, DurationMs, ref first);
        Write(ref writer, "runs"u8, Runs, ref first);
        Write(ref writer, "steps"u8, Steps, ref first);
        Write(ref writer, "tokens"u8, Tokens, ref first);
    }

    private static void Write(ref CanonicalWriter writer, ReadOnlySpan<byte> name, long? value, ref bool first)
    {
        if (value is not { } number)
            return;
        writer.WriteRaw(first ? "\""u8 : ",\""u8);
        writer.WriteRaw(name);
        writer.WriteRaw("\":"u8);
        writer.WriteSafeInteger(number);
        first = false;
    }

    private static long? Whole(JsonElement root, string name) => root.TryGetProperty(name, out var value) ? value.GetInt64() : null;
}
