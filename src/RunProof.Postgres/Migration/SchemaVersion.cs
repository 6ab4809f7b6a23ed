using System.Globalization;
using Npgsql;

namespace RunProof.Postgres;

/// <summary>Which schema a database has, beside the one that this program needs.</summary>
/// <param name="Version">The last file that was applied; 0 where none was.</param>
/// <param name="Head">The last file of this program.</param>
/// <param name="Difference">What does not fit, in words; null where everything does.</param>
public sealed record SchemaVersion(int Version, int Head, string? Difference)
{
    private const string ReadSql = "SELECT version, name, checksum FROM runproof.schema_migrations ORDER BY version";

    /// <summary>Whether all of this program's files were applied, unchanged, and no other.</summary>
    public bool IsHead => Difference is null;

    /// <summary>Reads it; any of the service roles may.</summary>
    /// <param name="source">Connections.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="NpgsqlException">The server cannot be reached or refuses.</exception>
    /// <returns>The database's schema.</returns>
    public static async Task<SchemaVersion> ReadAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        var done = new List<AppliedFile>();
        try
        {
            await using var command = source.CreateCommand(ReadSql);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
                done.Add(new AppliedFile(reader.GetInt32(0), reader.GetString(1), await reader.GetFieldValueAsync<byte[]>(2, cancellationToken)));
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName)
        {
            // Never migrated: that is version 0 and no failure.
        }

        return Compare(done, SchemaFile.All);
    }

    /// <summary>In words.</summary>
    /// <returns>One line.</returns>
    public override string ToString() => Difference ?? string.Create(CultureInfo.InvariantCulture, $"schema version {Version}");

    internal static SchemaVersion Compare(IReadOnlyList<AppliedFile> done, IReadOnlyList<SchemaFile> files)
    {
        var version = done.Count == 0 ? 0 : done[^1].Version;
        var head = files[^1].Version;
        try
        {
            SchemaMigrator.Compare(done, files);
        }
        catch (SchemaException e)
        {
            return new SchemaVersion(version, head, e.Message);
        }

        var difference = done.Count == files.Count
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"the database is at schema version {version}, this program needs {head}: run the migrator");
        return new SchemaVersion(version, head, difference);
    }
}
