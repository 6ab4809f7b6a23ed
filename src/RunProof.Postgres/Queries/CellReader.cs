using System.Buffers;
using System.Globalization;
using System.Text;
using Npgsql;
using RunProof.Format;

namespace RunProof.Postgres;

/// <summary>Reads values as the server spells them into JSON, and never more of them than a limit.</summary>
internal sealed class CellReader(int maxBytes)
{
    private readonly char[] _buffer = new char[4096];
    private long _read;

    /// <summary>One value; null where the limit is passed.</summary>
    internal async Task<CanonicalJson?> ReadAsync(NpgsqlDataReader reader, int column, uint type, CancellationToken cancellationToken)
    {
        if (await reader.IsDBNullAsync(column, cancellationToken))
            return Null;
        var text = new StringBuilder();
        using var source = await reader.GetTextReaderAsync(column, cancellationToken);
        while (await source.ReadAsync(_buffer, cancellationToken) is > 0 and var read)
        {
            _read += Encoding.UTF8.GetByteCount(_buffer.AsSpan(0, read));
            if (_read > maxBytes)
                return null;
            text.Append(_buffer, 0, read);
        }

        return Convert(text.ToString(), type);
    }

    private static readonly CanonicalJson Null = CanonicalJson.Parse("null"u8);

    // The numbers are pg_type's own; what JSON has no exact form for stays text: int8 and numeric, times, arrays.
    private static CanonicalJson Convert(string text, uint type) => type switch
    {
        16 => CanonicalJson.Parse(text == "t" ? "true"u8 : "false"u8),
        17 when text.StartsWith("\\x", StringComparison.Ordinal) => Text(System.Convert.ToBase64String(System.Convert.FromHexString(text.AsSpan(2)))),
        21 or 23 => CanonicalJson.Parse(Encoding.UTF8.GetBytes(text)),
        700 or 701 when double.TryParse(text, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) => Number(number),
        114 or 3802 => CanonicalJson.FromOutside(Encoding.UTF8.GetBytes(text), "application/json"),
        _ => Text(text),
    };

    private static CanonicalJson Number(double number)
    {
        var buffer = new ArrayBufferWriter<byte>(32);
        var writer = new CanonicalWriter(buffer);
        writer.WriteDouble(number);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    private static CanonicalJson Text(string text)
    {
        var buffer = new ArrayBufferWriter<byte>(text.Length + 2);
        var writer = new CanonicalWriter(buffer);
        writer.WriteString(text);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }
}
