using System.Globalization;
using System.Text.Json;
using RunProof.Execution;

namespace RunProof.Runner;

/// <summary>How long a caller wants to wait for a run's end: seconds from 0 to 300, or <c>true</c> for 60.</summary>
internal static class Waiting
{
    private const string Expected = "must be seconds from 0 to 300, or true for 60";

    /// <summary>Reads <c>wait</c> from a body; null where it is missing.</summary>
    public static TimeSpan? Read(JsonElement body, ObjectReader reader)
    {
        if (!body.TryGetProperty("wait", out var wait))
            return null;
        if (wait.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return Of(wait.ValueKind is JsonValueKind.True ? 60 : 0);
        if (wait.ValueKind is JsonValueKind.Number && wait.TryGetDouble(out var seconds) && seconds is >= 0 and <= 300)
            return Of(seconds);
        reader.Fail("wait", Expected);
        return null;
    }

    /// <summary>Reads <c>?wait=</c>; null where it is missing.</summary>
    public static TimeSpan? Read(QueryReader query)
    {
        switch (query.Text("wait"))
        {
            case null:
                return null;
            case "true" or "":
                return Of(60);
            case "false":
                return Of(0);
            case var text when double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0 and <= 300:
                return Of(seconds);
            default:
                query.Fail("wait", Expected);
                return null;
        }
    }

    private static TimeSpan Of(double seconds) => TimeSpan.FromSeconds(seconds);
}
