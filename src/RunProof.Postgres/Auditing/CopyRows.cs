using System.Buffers.Binary;
using Npgsql;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>Rows of a binary COPY as they come off the wire: nothing is copied but into the one buffer, and no text is made.</summary>
internal sealed class CopyRows(NpgsqlConnection connection, NpgsqlTransaction transaction, NpgsqlRawCopyStream copy) : AuditRows
{
    // In the order of PostgresAuditSource's columns.
    private const int Kind = 0, I1 = 1, I2 = 2, Flag = 3, N1 = 4, F1 = 5, Ts1 = 6, Ts2 = 7, Ts3 = 8, T = 9, B = T + 14, Columns = B + 11;

    private const int HeaderLength = 19;

    // PostgreSQL counts microseconds from 2000.
    private const long MicrosecondsTo2000 = 63_082_281_600_000_000;
    private const long LastMicrosecond = 315_537_897_599_999_999;

    private static ReadOnlySpan<byte> Signature => [0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0x00];

    private readonly int[] _starts = new int[Columns];
    private readonly int[] _lengths = new int[Columns];
    private byte[] _buffer = new byte[1 << 17];
    private int _start;
    private int _end;
    private bool _begun;
    private bool _ended;

    /// <summary>Bytes that were read.</summary>
    internal long BytesRead { get; private set; }

    public override async ValueTask<AuditRow> NextAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!_begun)
            {
                await FillAsync(HeaderLength, cancellationToken);
                // Signature, flags, and an extension that is empty in every version there is.
                if (!_buffer.AsSpan(_start, Signature.Length).SequenceEqual(Signature))
                    throw Malformed();
                _start += HeaderLength;
                _begun = true;
            }

            await FillAsync(2, cancellationToken);
            var columns = BinaryPrimitives.ReadInt16BigEndian(_buffer.AsSpan(_start));
            if (columns == -1)
            {
                _ended = true;
                return AuditRow.End;
            }

            if (columns != Columns)
                throw Malformed();
            while (!TryRow(out var needed))
                await FillAsync(needed, cancellationToken);
            return Take();
        }
        catch (NpgsqlException e)
        {
            throw LogSql.Translate(e);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        try
        {
            // What is left of a COPY that was broken off is not worth reading.
            if (!_ended)
                await copy.CancelAsync();
            await copy.DisposeAsync();
            await transaction.DisposeAsync();
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException)
        {
            // The connection goes, and with it the transaction.
        }

        await connection.DisposeAsync();
    }

    /// <summary>Finds the fields of the row at the start of the buffer.</summary>
    private bool TryRow(out int needed)
    {
        var at = _start + 2;
        for (var column = 0; column < Columns; column++)
        {
            needed = at + 4 - _start;
            if (at + 4 > _end)
                return false;
            var length = BinaryPrimitives.ReadInt32BigEndian(_buffer.AsSpan(at));
            at += 4;
            (_starts[column], _lengths[column]) = (at, length);
            at += Math.Max(0, length);
        }

        needed = at - _start;
        if (at > _end)
            return false;
        _start = at;
        return true;
    }

    /// <summary>Reads until so many bytes are in the buffer.</summary>
    private async ValueTask FillAsync(int needed, CancellationToken cancellationToken)
    {
        while (_end - _start < needed)
        {
            if (_start + needed > _buffer.Length || _end == _buffer.Length)
                Move(needed);
            var read = await copy.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
            if (read == 0)
                throw Malformed();
            _end += read;
            BytesRead += read;
        }
    }

    private void Move(int needed)
    {
        var target = needed <= _buffer.Length / 2 ? _buffer : new byte[Math.Max(_buffer.Length, (int)Math.Min(needed * 2L, Array.MaxLength))];
        _buffer.AsSpan(_start, _end - _start).CopyTo(target);
        (_buffer, _end, _start) = (target, _end - _start, 0);
    }

    private AuditRow Take()
    {
        switch (BinaryPrimitives.ReadInt16BigEndian(_buffer.AsSpan(_starts[Kind])))
        {
            case 0:
                TakeEntry(Entry);
                return AuditRow.Entry;
            case 1:
                TakeTrace(Trace);
                return AuditRow.Trace;
            default:
                TakeStep(Step);
                return AuditRow.Step;
        }
    }

    private void TakeEntry(EntryRow row)
    {
        row.Position = Number(I1) ?? -1;
        row.PartnerPosition = Number(I2);
        row.IsRepeated = IsTrue(Flag);
        row.IsEvidenceRead = _lengths[T + 7] >= 0;
        row.IsRequeued = _lengths[T + 8] >= 0;
        (row.Kind, row.TraceId, row.RunId, row.Text, row.PartnerText, row.RunStatus, row.Waiting) = (Raw(T), Raw(T + 1), Raw(T + 2), Raw(T + 3), Raw(T + 4), Raw(T + 5), Raw(T + 6));
    }

    private void TakeTrace(TraceRow row)
    {
        var isOdd = _lengths[I1] < 0 || _lengths[Flag] < 0 || _lengths[Ts1] < 0;
        row.Seed = Number(I1) ?? 0;
        row.ChainLength = Number(I2);
        row.IsSynthetic = IsTrue(Flag);
        row.StartedAt = Time(Ts1, ref isOdd) ?? default;
        row.CompletedAt = Time(Ts2, ref isOdd);
        row.FrozenTimestamp = Time(Ts3, ref isOdd);
        (row.TenantId, row.TraceId, row.RunId, row.CorrelationId, row.AgentId) = (Raw(T), Raw(T + 1), Raw(T + 2), Raw(T + 3), Raw(T + 4));
        (row.OriginSystemId, row.Planner, row.SyntheticScenarioId, row.SchemaVersion, row.Status) = (Raw(T + 5), Raw(T + 6), Raw(T + 7), Raw(T + 8), Raw(T + 9));
        (row.Link, row.StepsRoot, row.RootHash) = (Raw(B), Raw(B + 1), Raw(B + 2));
        row.Goal = new RawPayload(Raw(B + 3), Raw(B + 7), Raw(T + 10));
        row.Plan = new RawPayload(Raw(B + 4), Raw(B + 8), Raw(T + 11));
        row.Context = new RawPayload(Raw(B + 5), Raw(B + 9), Raw(T + 12));
        row.Metadata = new RawPayload(Raw(B + 6), Raw(B + 10), Raw(T + 13));
        row.IsOdd = isOdd;
    }

    private void TakeStep(StepRow row)
    {
        var isOdd = _lengths[I1] < 0 || _lengths[I2] < 0 || _lengths[F1] < 0 || _lengths[Ts1] < 0;
        row.StepIndex = Number(I1) ?? -1;
        row.RetryCount = Number(I2) ?? -1;
        row.CostCents = Decimal(ref isOdd);
        row.DurationMs = _lengths[F1] < 0 ? double.NaN : BinaryPrimitives.ReadDoubleBigEndian(_buffer.AsSpan(_starts[F1]));
        row.Timestamp = Time(Ts1, ref isOdd) ?? default;
        (row.SkillId, row.SkillName, row.SkillVersion, row.Status, row.Level, row.OutcomeCategory) = (Raw(T), Raw(T + 1), Raw(T + 2), Raw(T + 3), Raw(T + 4), Raw(T + 5));
        (row.OutcomeCode, row.IdempotencyKey, row.ReplayBehavior, row.RngStateBefore, row.Source) = (Raw(T + 6), Raw(T + 7), Raw(T + 8), Raw(T + 9), Raw(T + 10));
        (row.Link, row.Schema) = (Raw(B), Raw(B + 1));
        row.Input = new RawPayload(Raw(B + 2), Raw(B + 5), Raw(T + 11));
        row.Output = new RawPayload(Raw(B + 3), Raw(B + 6), Raw(T + 12));
        row.Context = new RawPayload(Raw(B + 4), Raw(B + 7), Raw(T + 13));
        row.IsOdd = isOdd;
    }

    private RawColumn Raw(int column) => _lengths[column] < 0 ? default : new RawColumn(_buffer, _starts[column], _lengths[column]);

    private long? Number(int column) => _lengths[column] < 0 ? null : BinaryPrimitives.ReadInt64BigEndian(_buffer.AsSpan(_starts[column]));

    private bool IsTrue(int column) => _lengths[column] == 1 && _buffer[_starts[column]] != 0;

    private DateTimeOffset? Time(int column, ref bool isOdd)
    {
        if (Number(column) is not { } microseconds)
            return null;
        // Infinities are the ends of the type.
        if (microseconds is < -MicrosecondsTo2000 or > LastMicrosecond - MicrosecondsTo2000)
        {
            isOdd = true;
            return DateTimeOffset.MinValue;
        }

        return new DateTimeOffset((microseconds + MicrosecondsTo2000) * TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);
    }

    /// <summary>A numeric: digits to the base of 10,000, the first of them times 10,000^weight. What a decimal does not hold for certain is odd.</summary>
    private decimal Decimal(ref bool isOdd)
    {
        const int MostDigits = 6;
        var bytes = _lengths[N1] < 0 ? default : _buffer.AsSpan(_starts[N1], _lengths[N1]);
        if (bytes.Length < 8)
        {
            isOdd = true;
            return 0;
        }

        var digits = BinaryPrimitives.ReadInt16BigEndian(bytes);
        var weight = BinaryPrimitives.ReadInt16BigEndian(bytes[2..]);
        // The sign of a positive number is 0; NaN and infinities have one of their own.
        if (digits is < 0 or > MostDigits || weight is < -4 or >= MostDigits || BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]) != 0 || digits - 1 - weight > 4 || bytes.Length != 8 + (2 * digits))
        {
            isOdd |= digits != 0 || BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]) != 0;
            return 0;
        }

        var value = 0m;
        for (var i = 0; i < digits; i++)
            value = (value * 10_000) + BinaryPrimitives.ReadUInt16BigEndian(bytes[(8 + (2 * i))..]);
        for (var behind = digits - 1; behind < weight; behind++)
            value *= 10_000;
        for (var behind = digits - 1; behind > weight; behind--)
            value /= 10_000;
        return value;
    }

    private static LogStoreException Malformed() => new(isTransient: false, "the server's COPY is not in the form that this program reads");
}
