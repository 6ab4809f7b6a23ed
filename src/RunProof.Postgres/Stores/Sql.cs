using Npgsql;
using NpgsqlTypes;
using RunProof.Format;

namespace RunProof.Postgres;

/// <summary>Commands with positional parameters, each sent with its type so that the server never has to guess.</summary>
internal static class Sql
{
    /// <summary>Names the tenant for the rest of the transaction; row-level security shows nothing else. First command of a batch, which is one transaction.</summary>
    internal static NpgsqlBatchCommand NameTenant(TenantId tenant) => Command("SELECT set_config('runproof.tenant_id', $1, true)", tenant.Value);

    /// <summary>A command whose values become $1, $2, …; a null is a text unless it comes from <c>OrNull</c>.</summary>
    internal static NpgsqlBatchCommand Command(string sql, params ReadOnlySpan<object?> values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(Parameter(value));
        return command;
    }

    internal static object OrNull(DateTimeOffset? value) => value is { } time ? time : new Null(NpgsqlDbType.TimestampTz);

    internal static object OrNull(double? value) => value is { } number ? number : new Null(NpgsqlDbType.Double);

    internal static object OrNull(int? value) => value is { } number ? number : new Null(NpgsqlDbType.Integer);

    internal static object OrNull(long? value) => value is { } number ? number : new Null(NpgsqlDbType.Bigint);

    internal static object OrNull(Digest? value) => value is { } digest ? digest : new Null(NpgsqlDbType.Bytea);

    /// <summary>No array of texts.</summary>
    internal static object NoTexts { get; } = new Null(NpgsqlDbType.Array | NpgsqlDbType.Text);

    private static NpgsqlParameter Parameter(object? value) => value switch
    {
        null => new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = DBNull.Value },
        Null typed => new NpgsqlParameter { NpgsqlDbType = typed.Type, Value = DBNull.Value },
        string text => new NpgsqlParameter<string> { NpgsqlDbType = NpgsqlDbType.Text, TypedValue = text },
        Digest digest => new NpgsqlParameter<byte[]> { NpgsqlDbType = NpgsqlDbType.Bytea, TypedValue = digest.ToArray() },
        DateTimeOffset time => new NpgsqlParameter<DateTimeOffset> { NpgsqlDbType = NpgsqlDbType.TimestampTz, TypedValue = WireTime.Truncate(time) },
        short number => new NpgsqlParameter<short> { NpgsqlDbType = NpgsqlDbType.Smallint, TypedValue = number },
        int number => new NpgsqlParameter<int> { NpgsqlDbType = NpgsqlDbType.Integer, TypedValue = number },
        long number => new NpgsqlParameter<long> { NpgsqlDbType = NpgsqlDbType.Bigint, TypedValue = number },
        decimal number => new NpgsqlParameter<decimal> { NpgsqlDbType = NpgsqlDbType.Numeric, TypedValue = number },
        double number => new NpgsqlParameter<double> { NpgsqlDbType = NpgsqlDbType.Double, TypedValue = number },
        byte[] bytes => new NpgsqlParameter<byte[]> { NpgsqlDbType = NpgsqlDbType.Bytea, TypedValue = bytes },
        string?[] texts => new NpgsqlParameter<string?[]> { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text, TypedValue = texts },
        int[] numbers => new NpgsqlParameter<int[]> { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer, TypedValue = numbers },
        long[] numbers => new NpgsqlParameter<long[]> { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint, TypedValue = numbers },
        byte[][] blobs => new NpgsqlParameter<byte[][]> { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea, TypedValue = blobs },
        DateTimeOffset[] times => new NpgsqlParameter<DateTimeOffset[]> { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz, TypedValue = times },
        bool flag => new NpgsqlParameter<bool> { NpgsqlDbType = NpgsqlDbType.Boolean, TypedValue = flag },
        _ => throw new ArgumentException($"no column holds a {value.GetType().Name}", nameof(value)),
    };

    private sealed record Null(NpgsqlDbType Type);
}
