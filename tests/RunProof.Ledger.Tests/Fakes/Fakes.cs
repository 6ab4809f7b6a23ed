using System.Buffers.Binary;
using System.Text;
using RunProof.Format;

namespace RunProof.Ledger.Tests;

/// <summary>Salts 1, 2, 3 …: no two alike, all known.</summary>
internal sealed class CountingSalts : ISaltSource
{
    private int _last;

    public int Filled => _last;

    public void Fill(Span<byte> salt)
    {
        salt.Clear();
        BinaryPrimitives.WriteInt32BigEndian(salt[12..], Interlocked.Increment(ref _last));
    }
}

/// <summary>Removes nothing.</summary>
internal sealed class NoRedaction : IRedactor
{
    public RedactionResult Redact(CanonicalJson payload) => new(payload, []);
}

/// <summary>Replaces every payload that holds a word.</summary>
internal sealed class WordRedactor(string word, string place, string rule) : IRedactor
{
    public RedactionResult Redact(CanonicalJson payload)
    {
        var text = payload.ToString();
        return text.Contains(word, StringComparison.Ordinal)
            ? new(CanonicalJson.FromCanonicalBytes(Encoding.UTF8.GetBytes(text.Replace(word, "gone", StringComparison.Ordinal))), [new Removal(place, rule)])
            : new(payload, []);
    }
}

/// <summary>A clock whose waits are over at once; it remembers them.</summary>
internal sealed class HurriedClock : TimeProvider
{
    public List<TimeSpan> Waits { get; } = [];

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        lock (Waits)
            Waits.Add(dueTime);
        return System.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }
}
