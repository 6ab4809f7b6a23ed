namespace RunProof.Generators;

/// <summary>128 bits that stand for a text: two texts with one mark do not occur by chance. It never leaves the process.</summary>
internal readonly record struct Mark(ulong High, ulong Low);

/// <summary>Makes a <see cref="Mark"/> of what is added, in its order.</summary>
internal struct Marking
{
    private ulong _high;
    private ulong _low;

    public readonly Mark Mark => new(_high, _low);

    public void Add(string text)
    {
        // The length first: two texts must not run into each other.
        Add((ulong)text.Length);
        foreach (var c in text)
            Add(c);
    }

    public void Add(Mark mark)
    {
        Add(mark.High);
        Add(mark.Low);
    }

    /// <summary>Two multiplications that share nothing, each followed by a shift that brings its high bits down.</summary>
    public void Add(ulong value)
    {
        unchecked
        {
            _high = (_high ^ value) * 0x9E3779B97F4A7C15;
            _high ^= _high >> 29;
            _low = (_low + value + 0x632BE59BD9B4E019) * 0xD6E8FEB86659FD93;
            _low ^= _low >> 32;
        }
    }
}
