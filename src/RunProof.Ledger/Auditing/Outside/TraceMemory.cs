using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace RunProof.Ledger;

/// <summary>Which traces were seen, by 16 bytes of a hash that nobody can make collide; up to a number of them.</summary>
/// <param name="most">Traces that are kept.</param>
internal sealed class TraceMemory(int most)
{
    // Parts that grow one by one: the memory that growing takes besides is a part's, not the table's.
    private const int Parts = 256;

    private readonly UInt128[]?[] _parts = new UInt128[]?[Parts];
    private readonly int[] _used = new int[Parts];

    /// <summary>Traces that are kept.</summary>
    internal int Count { get; private set; }

    /// <summary>Whether there were more than could be kept.</summary>
    internal bool IsFull { get; private set; }

    /// <summary>Adds a trace.</summary>
    /// <returns>Whether it was not there; true too where no more can be kept.</returns>
    internal bool Add(string trace)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(trace), digest);
        // Zero marks an empty place.
        var key = BinaryPrimitives.ReadUInt128LittleEndian(digest) | UInt128.One;
        var number = digest[16];
        var part = _parts[number] ??= new UInt128[64];
        var place = Find(part, key);
        if (part[place] == key)
            return false;
        if (Count >= most)
        {
            IsFull = true;
            return true;
        }

        part[place] = key;
        Count++;
        if (++_used[number] * 4L > part.Length * 3L)
            _parts[number] = Grow(part);
        return true;
    }

    private static UInt128[] Grow(UInt128[] part)
    {
        var larger = new UInt128[part.Length * 2];
        foreach (var key in part)
        {
            if (key != UInt128.Zero)
                larger[Find(larger, key)] = key;
        }

        return larger;
    }

    private static int Find(UInt128[] part, UInt128 key)
    {
        var place = (int)((ulong)(key >> 1) & (uint)(part.Length - 1));
        while (part[place] != UInt128.Zero && part[place] != key)
            place = (place + 1) & (part.Length - 1);
        return place;
    }
}
