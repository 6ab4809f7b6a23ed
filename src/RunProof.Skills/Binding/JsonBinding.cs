using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Skills;

/// <summary>What generated binders (<see cref="IJsonBound{TSelf}.BindJson"/>) call: one JSON value into one C# value, or a refusal that names the place.</summary>
/// <remarks>No message repeats a value: a caller may have put a secret into the wrong member.</remarks>
public static class JsonBinding
{
    /// <summary>The place of a member: <c>plan[0].params</c> and <c>url</c> are <c>plan[0].params.url</c>.</summary>
    /// <param name="place">The place of the object; empty for the document itself.</param>
    /// <param name="member">The member's wire name.</param>
    /// <returns>Its place.</returns>
    public static string At(string place, string member)
    {
        var plain = member.Length > 0 && !member.AsSpan().ContainsAny(".[]\" ");
        return plain ? (place.Length == 0 ? member : $"{place}.{member}") : $"{place}[\"{member}\"]";
    }

    /// <summary>Refuses anything but an object.</summary>
    /// <param name="json">The value.</param>
    /// <param name="place">Where it stands.</param>
    /// <exception cref="JsonBindingException">It is none.</exception>
    public static void RequireObject(JsonElement json, string place) => Require(json, JsonValueKind.Object, place, "an object");

    /// <summary>The name of a property.</summary>
    /// <param name="property">The property.</param>
    /// <param name="place">The place of its object.</param>
    /// <exception cref="JsonBindingException">It holds a lone surrogate.</exception>
    /// <returns>The name.</returns>
    public static string Name(JsonProperty property, string place)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            throw new JsonBindingException(place, "a member's name holds a lone surrogate");
        }
    }

    /// <summary>Keeps the value of a member that is found.</summary>
    /// <param name="found">Where it is kept.</param>
    /// <param name="property">The property.</param>
    /// <param name="place">The place of its object.</param>
    /// <param name="name">Its name.</param>
    /// <exception cref="JsonBindingException">The member stands there twice.</exception>
    public static void Take(ref JsonElement found, JsonProperty property, string place, string name)
    {
        if (found.ValueKind != JsonValueKind.Undefined)
            throw new JsonBindingException(At(place, name), "is given twice");
        found = property.Value;
    }

    /// <summary>The refusal of a member that the record does not have.</summary>
    /// <param name="place">The place of the object.</param>
    /// <param name="name">The member's name.</param>
    /// <param name="known">The names it has.</param>
    /// <returns>The exception to throw.</returns>
    public static JsonBindingException Unknown(string place, string name, string known) =>
        new(At(place, name), known.Length == 0 ? "unknown member; there are none" : $"unknown member; known are {known}");

    /// <summary>The refusal of an object that lacks a member.</summary>
    /// <param name="place">The place of the object.</param>
    /// <param name="name">The member's name.</param>
    /// <param name="expected">What should stand there.</param>
    /// <returns>The exception to throw.</returns>
    public static JsonBindingException Missing(string place, string name, string expected) => new(At(place, name), $"missing; expected {expected}");

    /// <summary>The refusal of a word that an enum does not have.</summary>
    /// <param name="place">The place of the value.</param>
    /// <param name="got">The word.</param>
    /// <param name="known">The words it has.</param>
    /// <returns>The exception to throw.</returns>
    public static JsonBindingException NotOneOf(string place, string got, string known) =>
        new(place, $"expected one of {known}, got another string of {got.Length.ToString(CultureInfo.InvariantCulture)} characters");

    /// <summary>Reads a string.</summary>
    /// <inheritdoc cref="RequireObject" path="/param|/exception"/>
    /// <returns>The value.</returns>
    public static string Text(JsonElement json, string place) => TextOf(json, place, "a string");

    /// <summary>Reads a boolean.</summary>
    /// <inheritdoc cref="RequireObject" path="/param|/exception"/>
    /// <returns>The value.</returns>
    public static bool Boolean(JsonElement json, string place) => json.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong(json, place, "true or false"),
    };

    /// <summary>Reads a number that is a whole one in the type's range.</summary>
    /// <inheritdoc cref="RequireObject" path="/param|/exception"/>
    /// <typeparam name="T">An integer type.</typeparam>
    /// <returns>The value.</returns>
    public static T Integer<T>(JsonElement json, string place)
        where T : struct, IBinaryInteger<T>, IMinMaxValue<T>
    {
        Require(json, JsonValueKind.Number, place, "an integer");
        return ReadInteger<T>(json.GetRawText(), place);
    }

    /// <summary>Reads a whole number in the type's range that is a string or a number.</summary>
    /// <inheritdoc cref="RequireObject" path="/param|/exception"/>
    /// <typeparam name="T">An integer type.</typeparam>
    /// <returns>The value.</returns>
    public static T WideInteger<T>(JsonElement json, string place)
        where T : struct, IBinaryInteger<T>, IMinMaxValue<T> =>
        ReadInteger<T>(json.ValueKind == JsonValueKind.Number ? json.GetRawText() : TextOf(json, place, "an integer, as a string or a number"), place);

    /// <summary>Reads a decimal that is a string or a number, and that a <see cref="decimal"/> holds exactly.</summary>
    /// <inheritdoc cref="RequireObject" path="/param|/exception"/>
    /// <returns>The value.</returns>
    public static decimal Decimal(JsonElement json, string place)
    {
        var text = json.ValueKind == JsonValueKind.Number ? json.GetRawText() : TextOf(json, place, "a decimal number, as a string or a number");
        if (!ExactNumber.TryParse(text, out var number))
            throw new JsonBindingException(place, "expected a decimal number, got another string");
        if (!number.TryToDecimal(out var value))
            throw new JsonBindingException(place, "the number does not fit a decimal exactly (28 to 29 significant digits, at most 28 after the point)");
        return value;
    }

    /// <summary>Reads a number as the nearest double.</summary>
    /// <inheritdoc cref="RequireObject" path="/param|/exception"/>
    /// <returns>A finite value.</returns>
    public static double Double(JsonElement json, string place)
    {
        Require(json, JsonValueKind.Number, place, "a number");
        return json.TryGetDouble(out var value) && double.IsFinite(value) ? value : throw new JsonBindingException(place, "the number is out of a double's range");
    }

    /// <summary>Reads a number as the nearest float.</summary>
    /// <inheritdoc cref="RequireObject" path="/param|/exception"/>
    /// <returns>A finite value.</returns>
    public static float Single(JsonElement json, string place)
    {
        Require(json, JsonValueKind.Number, place, "a number");
        return json.TryGetSingle(out var value) && float.IsFinite(value) ? value : throw new JsonBindingException(place, "the number is out of a float's range");
    }

    /// <summary>Reads an RFC 3339 time that names its offset.</summary>
    /// <inheritdoc cref="RequireObject" path="/param|/exception"/>
    /// <returns>The value.</returns>
    public static DateTimeOffset Time(JsonElement json, string place)
    {
        const string expected = "a time like 2026-02-10T12:43:41.549430Z";
        var text = TextOf(json, place, expected);
        // Without an offset the machine's own time zone would decide which instant is meant.
        var zoned = text.EndsWith('Z') || (text.Length > 6 && text[^6] is '+' or '-' && text[^3] == ':');
        return zoned && json.TryGetDateTimeOffset(out var value) ? value : throw new JsonBindingException(place, $"expected {expected}, got another string");
    }

    /// <summary>Reads a GUID in the <c>D</c> form.</summary>
    /// <inheritdoc cref="RequireObject" path="/param|/exception"/>
    /// <returns>The value.</returns>
    public static Guid Guid(JsonElement json, string place)
    {
        Require(json, JsonValueKind.String, place, "a GUID");
        return json.TryGetGuid(out var value) ? value : throw new JsonBindingException(place, "expected a GUID like 89ceeaba-1aa4-42ad-b93e-4bdcd72d75b6, got another string");
    }

    /// <summary>Reads bytes from base64, standard alphabet.</summary>
    /// <inheritdoc cref="RequireObject" path="/param|/exception"/>
    /// <returns>The value.</returns>
    public static byte[] Bytes(JsonElement json, string place)
    {
        Require(json, JsonValueKind.String, place, "base64 text");
        return json.TryGetBytesFromBase64(out var value) ? value : throw new JsonBindingException(place, "expected base64 text, got another string");
    }

    /// <summary>Reads a duration in whole microseconds, a string or a number.</summary>
    /// <inheritdoc cref="RequireObject" path="/param|/exception"/>
    /// <returns>The value.</returns>
    public static TimeSpan Duration(JsonElement json, string place)
    {
        var microseconds = WideInteger<long>(json, place);
        const long most = long.MaxValue / TimeSpan.TicksPerMicrosecond;
        return microseconds is <= most and >= -most
            ? TimeSpan.FromTicks(microseconds * TimeSpan.TicksPerMicrosecond)
            : throw new JsonBindingException(place, "the duration is out of range");
    }

    /// <summary>Records any JSON value by the rules for JSON from outside.</summary>
    /// <inheritdoc cref="RequireObject" path="/param|/exception"/>
    /// <returns>The value.</returns>
    public static CanonicalJson Json(JsonElement json, string place) =>
        CanonicalJson.FromOutside(JsonMarshal.GetRawUtf8Value(json), "application/json");

    /// <summary>Reads a scalar struct.</summary>
    /// <inheritdoc cref="RequireObject" path="/param|/exception"/>
    /// <typeparam name="T">The struct.</typeparam>
    /// <returns>The value.</returns>
    public static T Scalar<T>(JsonElement json, string place)
        where T : struct, ICanonicalScalar<T>
    {
        try
        {
            return T.TryBind(json, out var value) ? value : throw new JsonBindingException(place, $"expected a well-formed {typeof(T).Name}, got {Kind(json)}");
        }
        catch (InvalidOperationException)
        {
            throw LoneSurrogate(place);
        }
    }

    /// <summary>Reads an array.</summary>
    /// <param name="json">The value.</param>
    /// <param name="place">Where it stands.</param>
    /// <typeparam name="T">The items' type.</typeparam>
    /// <param name="bind">Reads an item.</param>
    /// <exception cref="JsonBindingException">It is none, or an item does not fit.</exception>
    /// <returns>The items.</returns>
    public static T[] List<T>(JsonElement json, string place, Func<JsonElement, string, T> bind)
    {
        Require(json, JsonValueKind.Array, place, "an array");
        var items = new T[json.GetArrayLength()];
        var index = 0;
        foreach (var item in json.EnumerateArray())
        {
            items[index] = bind(item, $"{place}[{index.ToString(CultureInfo.InvariantCulture)}]");
            index++;
        }

        return items;
    }

    /// <summary>Reads an object as a map.</summary>
    /// <param name="json">The value.</param>
    /// <param name="place">Where it stands.</param>
    /// <typeparam name="T">The values' type.</typeparam>
    /// <param name="bind">Reads a value.</param>
    /// <exception cref="JsonBindingException">It is none, a value does not fit, or a key stands there twice.</exception>
    /// <returns>The entries, compared ordinally.</returns>
    public static Dictionary<string, T> Map<T>(JsonElement json, string place, Func<JsonElement, string, T> bind)
    {
        RequireObject(json, place);
        var entries = new Dictionary<string, T>(StringComparer.Ordinal);
        foreach (var property in json.EnumerateObject())
        {
            var name = Name(property, place);
            if (!entries.TryAdd(name, bind(property.Value, At(place, name))))
                throw new JsonBindingException(At(place, name), "is given twice");
        }

        return entries;
    }

    private static T ReadInteger<T>(string text, string place)
        where T : struct, IBinaryInteger<T>, IMinMaxValue<T>
    {
        if (!ExactNumber.TryParse(text, out var number) || !number.IsWhole)
            throw new JsonBindingException(place, "expected an integer, got something else");
        return number.TryToInteger<T>(out var value)
            ? value
            : throw new JsonBindingException(place, string.Create(CultureInfo.InvariantCulture, $"expected an integer from {T.MinValue} to {T.MaxValue}, got one out of range"));
    }

    private static string TextOf(JsonElement json, string place, string expected)
    {
        Require(json, JsonValueKind.String, place, expected);
        try
        {
            return json.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw LoneSurrogate(place);
        }
    }

    private static JsonBindingException LoneSurrogate(string place) => new(place, "the string holds a lone surrogate, which has no canonical form");

    private static void Require(JsonElement json, JsonValueKind kind, string place, string expected)
    {
        if (json.ValueKind != kind)
            throw Wrong(json, place, expected);
    }

    private static JsonBindingException Wrong(JsonElement json, string place, string expected) => new(place, $"expected {expected}, got {Kind(json)}");

    private static string Kind(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        JsonValueKind.Null => "null",
        _ => "nothing",
    };
}
