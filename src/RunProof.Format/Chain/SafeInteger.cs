using System.Text.Json;

namespace RunProof.Format;

/// <summary>An integer within ±(2^53 − 1), written as a number: a double holds it exactly (RFC 8785 appendix D).</summary>
[CanonicalScalar("integer")]
public readonly record struct SafeInteger : ICanonicalScalar<SafeInteger>
{
    /// <summary>The largest: 2^53 − 1.</summary>
    public const long MaxValue = (1L << 53) - 1;

    /// <summary>Takes an integer that must be in range.</summary>
    /// <param name="value">Within ±<see cref="MaxValue"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not.</exception>
    public SafeInteger(long value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MaxValue);
        ArgumentOutOfRangeException.ThrowIfLessThan(value, -MaxValue);
        Value = value;
    }

    /// <summary>The integer.</summary>
    public long Value { get; }

    /// <inheritdoc/>
    public static bool TryBind(JsonElement json, out SafeInteger value)
    {
        value = default;
        if (json.ValueKind != JsonValueKind.Number || !json.TryGetInt64(out var number) || number is > MaxValue or < -MaxValue)
            return false;
        value = new SafeInteger(number);
        return true;
    }

    /// <inheritdoc/>
    public static bool TryReadCanonical(ref CanonicalReader reader, out SafeInteger value)
    {
        var start = reader.Offset;
        var read = reader.TryReadInteger(out long number);
        var isSafe = number is <= MaxValue and >= -MaxValue;
        value = isSafe ? new SafeInteger(number) : default;
        return read && (isSafe || reader.Refuse(ReadFaultCode.OutOfRange, start, $"{number} is not within ±(2^53 − 1)"));
    }

    /// <inheritdoc/>
    public void WriteCanonical(ref CanonicalWriter writer) => writer.WriteSafeInteger(Value);
}
