using Npgsql;
using NpgsqlTypes;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>Adds the columns of some entries to a command, each as one array parameter, in the order of the calls.</summary>
/// <typeparam name="T">The entries.</typeparam>
/// <param name="command">The command.</param>
/// <param name="entries">The rows.</param>
internal readonly ref struct Columns<T>(NpgsqlBatchCommand command, ReadOnlySpan<T> entries)
{
    private readonly ReadOnlySpan<T> _entries = entries;

    internal Columns<T> Text(Func<T, string?> value) => Add(value, NpgsqlDbType.Text);

    internal Columns<T> Integer(Func<T, int> value) => Add(value, NpgsqlDbType.Integer);

    internal Columns<T> OptionalInteger(Func<T, int?> value) => Add(value, NpgsqlDbType.Integer);

    internal Columns<T> Long(Func<T, long> value) => Add(value, NpgsqlDbType.Bigint);

    internal Columns<T> Double(Func<T, double> value) => Add(value, NpgsqlDbType.Double);

    internal Columns<T> Decimal(Func<T, decimal> value) => Add(value, NpgsqlDbType.Numeric);

    internal Columns<T> Boolean(Func<T, bool> value) => Add(value, NpgsqlDbType.Boolean);

    internal Columns<T> Time(Func<T, DateTimeOffset> value) => Add(value, NpgsqlDbType.TimestampTz);

    internal Columns<T> OptionalTime(Func<T, DateTimeOffset?> value) => Add(value, NpgsqlDbType.TimestampTz);

    internal Columns<T> Digest(Func<T, Digest> value) => Add(entry => value(entry).ToArray(), NpgsqlDbType.Bytea);

    internal Columns<T> OptionalDigest(Func<T, Digest?> value) => Add(entry => value(entry)?.ToArray(), NpgsqlDbType.Bytea);

    /// <summary>Three columns: the text as the very bytes that were committed to, the salt, the commitment.</summary>
    internal Columns<T> Payload(Func<T, CommittedPayload?> value) =>
        Add(entry => value(entry)?.Text, NpgsqlDbType.Text)
            .Add(entry => value(entry)?.Salt, NpgsqlDbType.Bytea)
            .OptionalDigest(entry => value(entry)?.Commitment);

    /// <summary>Four columns: place in the plan, attempt, time of the first; the others, if any, as text.</summary>
    internal Columns<T> Intents(Func<T, StepIntents> value) =>
        OptionalInteger(entry => value(entry).First?.PlanIndex)
            .OptionalInteger(entry => value(entry).First?.Attempt)
            .OptionalTime(entry => value(entry).First is { } intent ? WireTime.Truncate(intent.StartedAt) : null)
            .Text(entry => value(entry).OthersText());

    private Columns<T> Add<TValue>(Func<T, TValue> value, NpgsqlDbType type)
    {
        var column = new TValue[_entries.Length];
        for (var i = 0; i < column.Length; i++)
            column[i] = value(_entries[i]);
        command.Parameters.Add(new NpgsqlParameter<TValue[]> { TypedValue = column, NpgsqlDbType = NpgsqlDbType.Array | type });
        return this;
    }
}
