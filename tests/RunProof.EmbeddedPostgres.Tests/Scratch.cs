using Npgsql;

namespace RunProof.EmbeddedPostgres.Tests;

/// <summary>A folder for one test, in the temporary folder, gone afterwards.</summary>
internal sealed class Scratch : IDisposable
{
    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"rp-{Guid.NewGuid():N}"[..16]);

    public Scratch() => Directory.CreateDirectory(Path);

    public EmbeddedPostgresOptions Options => new() { Folder = System.IO.Path.Combine(Path, "cluster") };

    public void Dispose() => Directory.Delete(Path, recursive: true);

    public static async Task<object?> AskAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, Timeout = 5 }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
