using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace RunProof.Format;

/// <summary>Canonical bytes of typed records.</summary>
public static class CanonicalBytes
{
    /// <summary>The canonical bytes in an array of their own.</summary>
    /// <typeparam name="T">The record.</typeparam>
    /// <param name="value">Its value.</param>
    /// <returns>The bytes.</returns>
    public static byte[] Of<T>(T value)
        where T : ICanonical<T>
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        Write(buffer, value);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Appends the canonical bytes to a buffer.</summary>
    /// <typeparam name="T">The record.</typeparam>
    /// <param name="output">Where they go.</param>
    /// <param name="value">The record's value.</param>
    public static void Write<T>(IBufferWriter<byte> output, T value)
        where T : ICanonical<T>
    {
        var writer = new CanonicalWriter(output);
        T.WriteCanonical(ref writer, value);
        writer.Flush();
    }

    /// <summary>Reads a record from exactly its canonical bytes: <c>Of(value)</c> is <paramref name="bytes"/>, or nothing was read.</summary>
    /// <remarks>Time and memory grow with what is there, whoever wrote it. No exception escapes, whatever the bytes are.</remarks>
    /// <typeparam name="T">The record.</typeparam>
    /// <param name="bytes">Any bytes.</param>
    /// <param name="value">The record.</param>
    /// <param name="fault">Where and why the bytes were refused.</param>
    /// <returns>Whether they were read, to the last.</returns>
    public static bool TryRead<T>(ReadOnlySpan<byte> bytes, [MaybeNullWhen(false)] out T value, out ReadFault fault)
        where T : ICanonical<T>
    {
        var reader = new CanonicalReader(bytes);
        var read = TryRead(ref reader, out value);
        fault = reader.Fault;
        return read;
    }

    /// <summary>Reads a record from exactly its canonical bytes.</summary>
    /// <typeparam name="T">The record.</typeparam>
    /// <param name="bytes">Its bytes.</param>
    /// <returns>The record.</returns>
    /// <exception cref="CanonicalFormatException">They are not what its serializer writes. The byte is named.</exception>
    public static T Read<T>(ReadOnlySpan<byte> bytes)
        where T : ICanonical<T> => TryRead<T>(bytes, out var value, out var fault) ? value : throw new CanonicalFormatException(fault.Message, fault.Offset);

    private static bool TryRead<T>(ref CanonicalReader reader, [MaybeNullWhen(false)] out T value)
        where T : ICanonical<T>
    {
        try
        {
            if (T.TryReadCanonical(ref reader, out value) && reader.TryEnd())
                return true;
        }
        catch (Exception refused) when (refused is not OutOfMemoryException)
        {
            // Nothing here throws; what a record's own constructor, accessors or scalars throw says that they make no such value.
            reader.Refuse(ReadFaultCode.RefusedByType, reader.Offset, $"{typeof(T).Name} refuses what ends here: {refused.Message}");
        }

        value = default;
        return false;
    }
}
