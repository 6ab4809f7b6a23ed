using System.Buffers.Binary;
using RunProof.Format;

namespace RunProof.Testing;

/// <summary>Salts that a test can foretell: the n-th one is twelve zero bytes and n, big-endian, from 1.</summary>
public sealed class CountingSaltSource : ISaltSource
{
    private int count;

    /// <summary>How many were drawn.</summary>
    public int Count => Volatile.Read(ref count);

    /// <inheritdoc/>
    public void Fill(Span<byte> salt)
    {
        salt.Clear();
        BinaryPrimitives.WriteInt32BigEndian(salt[^4..], Interlocked.Increment(ref count));
    }
}
