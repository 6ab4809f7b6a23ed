using System.Globalization;
using System.Text.Json;

namespace RunProof.Execution;

/// <summary>Two values cannot be compared.</summary>
internal sealed class IncomparableException(string message) : Exception(message);

/// <summary>Compares values of JSON: numbers exactly as they are written, and nothing with what it has nothing in common with.</summary>
internal static class Values
{
    private static readonly string[] TimeForms =
    [
        "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK",
    ];

    /// <summary>Whether a value is a number or a time, and so has an order.</summary>
    public static bool HasOrder(JsonElement value) => ExactNumber.Of(value) is not null || TimeOf(value) is not null;

    /// <summary>Whether two values are the same.</summary>
    /// <exception cref="IncomparableException">One can never be the other: a text and a number, an array and a boolean.</exception>
    public static bool AreEqual(JsonElement one, JsonElement other)
    {
        if (one.ValueKind is JsonValueKind.Null || other.ValueKind is JsonValueKind.Null)
            return one.ValueKind == other.ValueKind;
        if (KindOf(one) == KindOf(other))
            return IsSame(one, other);
        // A long or a decimal is recorded as a string: it is a number all the same.
        if ((one.ValueKind is JsonValueKind.Number || other.ValueKind is JsonValueKind.Number) && ExactNumber.Of(one) is { } number && ExactNumber.Of(other) is { } against)
            return number.CompareTo(against) == 0;
        throw new IncomparableException($"{ObjectReader.Describe(one)} cannot be compared with {ObjectReader.Describe(other)}");
    }

    /// <summary>Which of two values is greater: numbers, or times.</summary>
    /// <exception cref="IncomparableException">They are not both numbers or both times.</exception>
    public static int Order(JsonElement one, JsonElement other)
    {
        if (ExactNumber.Of(one) is { } number && ExactNumber.Of(other) is { } against)
            return number.CompareTo(against);
        if (TimeOf(one) is { } time && TimeOf(other) is { } than)
            return time.CompareTo(than);
        throw new IncomparableException($"which is greater, {Named(one)} or {Named(other)}, cannot be said: both must be numbers, or both times");
    }

    private static string Named(JsonElement value) =>
        value.ValueKind is JsonValueKind.String && ExactNumber.Of(value) is null && TimeOf(value) is null ? "a string that is neither a number nor a time" : ObjectReader.Describe(value);

    // Within arrays and objects what differs in kind merely differs.
    private static bool IsSame(JsonElement one, JsonElement other) => (one.ValueKind, other.ValueKind) switch
    {
        (JsonValueKind.Number, JsonValueKind.Number) => ExactNumber.Of(one) is { } number && ExactNumber.Of(other) is { } against
            ? number.CompareTo(against) == 0
            : one.GetRawText() == other.GetRawText(),
        (JsonValueKind.String, JsonValueKind.String) => one.ValueEquals(other.GetString()),
        (JsonValueKind.Array, JsonValueKind.Array) => one.GetArrayLength() == other.GetArrayLength()
            && one.EnumerateArray().Zip(other.EnumerateArray()).All(pair => IsSame(pair.First, pair.Second)),
        (JsonValueKind.Object, JsonValueKind.Object) => one.EnumerateObject().Count() == other.EnumerateObject().Count()
            && one.EnumerateObject().All(member => other.TryGetProperty(member.Name, out var found) && IsSame(member.Value, found)),
        var (kind, otherKind) => kind == otherKind,
    };

    private static JsonValueKind KindOf(JsonElement value) => value.ValueKind is JsonValueKind.False ? JsonValueKind.True : value.ValueKind;

    private static DateTimeOffset? TimeOf(JsonElement value) =>
        value.ValueKind is JsonValueKind.String
        && DateTimeOffset.TryParseExact(value.GetString(), TimeForms, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
        && value.GetString()![^1] is var last && (last == 'Z' || value.GetString()!.LastIndexOfAny(['+', '-']) > 10)
            ? time : null;
}
