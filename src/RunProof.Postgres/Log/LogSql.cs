using System.Data.Common;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>Words, rows and failures that the store of logs and its reader share.</summary>
internal static class LogSql
{
    internal const string KeysSql = "SELECT vkey, from_size, until_size, added_at FROM runproof.log_keys WHERE tenant_id = $1 ORDER BY from_size, until_size NULLS LAST, vkey";

    /// <summary>A log would begin with a key that was retired.</summary>
    internal const string KeyRetired = "S6010";

    internal static string Word(LogEntryKind kind) => kind switch
    {
        LogEntryKind.Opened => "opened",
        LogEntryKind.Sealed => "sealed",
        _ => "rotated",
    };

    internal static LogEntryKind Kind(string word) => word switch
    {
        "opened" => LogEntryKind.Opened,
        "sealed" => LogEntryKind.Sealed,
        _ => LogEntryKind.Rotated,
    };

    internal static LogKey Key(DbDataReader row) => new(row.GetString(0), row.GetInt64(1), row.IsDBNull(2) ? null : row.GetInt64(2), row.GetFieldValue<DateTimeOffset>(3));

    internal static LoggedEntry Entry(DbDataReader row) => new(row.GetInt64(0), Kind(row.GetString(1)), row.TextOrNull(2), row.TextOrNull(3), row.GetString(4));

    internal static QuarantinedEntry Quarantined(DbDataReader row) =>
        new(row.GetString(0), Kind(row.GetString(1)), row.GetString(2), row.GetString(3), row.GetString(4), row.GetFieldValue<DateTimeOffset>(5));

    internal static LogLag Lag(DbDataReader row) => new(row.GetInt64(0), row.GetInt64(1), row.TimeOrNull(2), row.GetInt64(3));

    internal static Digest[] Digests(byte[] bytes)
    {
        var digests = new Digest[bytes.Length / Digest.Length];
        for (var i = 0; i < digests.Length; i++)
            digests[i] = new Digest(bytes.AsSpan(i * Digest.Length, Digest.Length));
        return digests;
    }

    internal static byte[] Bytes(IReadOnlyList<Digest> digests)
    {
        var bytes = new byte[digests.Count * Digest.Length];
        for (var i = 0; i < digests.Count; i++)
            digests[i].Span.CopyTo(bytes.AsSpan(i * Digest.Length));
        return bytes;
    }

    internal static async Task<List<T>> ReadAllAsync<T>(this NpgsqlDataReader reader, Func<DbDataReader, T> read, CancellationToken cancellationToken)
    {
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(read(reader));
        await reader.NextResultAsync(cancellationToken);
        return rows;
    }

    /// <summary>What the server refuses by its own rules it refuses again; all else may pass.</summary>
    internal static LogStoreException Translate(NpgsqlException e)
    {
        var refused = e is PostgresException { SqlState: { Length: 5 } state } && state[..2] is "22" or "23" or "42" or "54" or "S6";
        return new LogStoreException(!refused, e is PostgresException server ? $"{server.SqlState}: {server.MessageText}" : e.Message, e);
    }
}
