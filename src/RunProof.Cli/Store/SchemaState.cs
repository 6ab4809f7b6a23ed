using Npgsql;
using RunProof.Postgres;

namespace RunProof.Cli;

/// <summary>Which schema a database has, file by file.</summary>
/// <param name="ServerVersion">The server's version, as it spells it.</param>
/// <param name="ServerMajor">Its major version.</param>
/// <param name="Version">The last file that was applied; 0 where none was.</param>
/// <param name="Head">The last file of this program.</param>
/// <param name="Difference">What does not fit, in words; null where everything does.</param>
/// <param name="Applied">The files that were applied.</param>
/// <param name="Pending">The files of this program that were not.</param>
internal sealed record SchemaState(
    string ServerVersion, int ServerMajor, int Version, int Head, string? Difference, IReadOnlyList<string> Applied, IReadOnlyList<string> Pending)
{
    private const string ServerSql = "SELECT current_setting('server_version'), current_setting('server_version_num')::integer / 10000";

    private const string AppliedSql = "SELECT name FROM runproof.schema_migrations ORDER BY version";

    /// <summary>Whether all of this program's files were applied, unchanged, and no other.</summary>
    internal bool IsHead => Difference is null;

    /// <summary>Reads it.</summary>
    /// <param name="source">Connections.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="NpgsqlException">The server cannot be reached or refuses.</exception>
    internal static async Task<SchemaState> ReadAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(ServerSql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (server, major) = (reader.GetString(0), reader.GetInt32(1));
        await reader.DisposeAsync();
        var version = await SchemaVersion.ReadAsync(source, cancellationToken);
        var applied = version.Version == 0 ? [] : await ReadAppliedAsync(source, cancellationToken);
        return new SchemaState(server, major, version.Version, version.Head, version.Difference, applied, [.. Files().Except(applied, StringComparer.Ordinal)]);
    }

    private static async Task<List<string>> ReadAppliedAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        var names = new List<string>();
        await using var command = source.CreateCommand(AppliedSql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            names.Add(reader.GetString(0));
        return names;
    }

    // The files are part of the library that applies them.
    private static IEnumerable<string> Files() =>
        typeof(SchemaMigrator).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith("Schema/", StringComparison.Ordinal))
            .Select(name => name["Schema/".Length..])
            .Order(StringComparer.Ordinal);
}
