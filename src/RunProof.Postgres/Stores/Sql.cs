using Npgsql;
using NpgsqlTypes;
using RunProof.Format;

namespace RunProof.Postgres;

/// <summary>Commands with positional parameters, typed by their values so that the server never has to guess.</summary>
internal static class Sql
{
    /// <summary>Names the tenant for the rest of the transaction; row-level security shows nothing else. First command of every batch.</summary>
    internal static NpgsqlBatchCommand NameTenant(TenantId tenant) => Command("SELECT set_config('runproof.tenant_id', $1, true)", tenant.Value);

    /// <summary>A command; each value becomes $1, $2, … A null is sent as a text null unless it is a <see cref="Null"/> of another type.</summary>
    internal static NpgsqlBatchCommand Command(string sql, params ReadOnlySpan<object?> values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(Parameter(value));
        return command;
    }

    /// <summary>A null of a type.</summary>
    internal sealed record Null(NpgsqlDbType Type);

    /// <summary>A value, or a null of its type.</summary>
    internal static object Or<T>(T? value, NpgsqlDbType type)
        where T : struct => value is { } known ? known : new Null(type);

    private static NpgsqlParameter Parameter(object? value) => value switch
    {
        null => new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = DBNull.Value },
        Null typed => new NpgsqlParameter { NpgsqlDbType = typed.Type, Value = DBNull.Value },
        string text => new NpgsqlParameter<string> { NpgsqlDbType = NpgsqlDbType.Text, TypedValue = text },
        DateTimeOffset time => new NpgsqlParameter<DateTimeOffset> { NpgsqlDbType = NpgsqlDbType.TimestampTz, TypedValue = WireTime.Truncate(time) },
        _ => new NpgsqlParameter { Value = value },
    };
}
