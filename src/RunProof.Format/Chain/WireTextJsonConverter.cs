using System.Text.Json;
using System.Text.Json.Serialization;

namespace RunProof.Format;

/// <summary>Identities and digests in the APIs' JSON: their text. It has no part in any hash.</summary>
/// <typeparam name="T">The identity.</typeparam>
public sealed class WireTextJsonConverter<T> : JsonConverter<T>
    where T : struct, IWireText<T>
{
    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && T.TryParse(reader.GetString(), out var value)
            ? value
            : throw new JsonException($"not a {typeof(T).Name}");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
