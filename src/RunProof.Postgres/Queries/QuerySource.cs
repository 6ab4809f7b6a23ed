using Npgsql;

namespace RunProof.Postgres;

/// <summary>A database that <c>sql_query</c> may ask.</summary>
public sealed record QuerySource
{
    /// <summary>How to reach it. Its role should be allowed to read what it is for, and nothing else: that is the wall.</summary>
    public required string ConnectionString { get; init; }

    /// <summary>The tenants that may ask it, by id; <c>*</c> for all. At least one.</summary>
    public required IReadOnlyList<string> Tenants { get; init; }

    /// <summary>The longest that a question may take. Default: 30 s.</summary>
    public TimeSpan MaxTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Questions at once; others wait. 1 to 100. Default: 8.</summary>
    public int MaxConnections { get; init; } = 8;

    /// <summary>Makes its connections, without connecting.</summary>
    /// <param name="name">The source's name, for messages.</param>
    /// <exception cref="ArgumentException">It cannot be meant; the message holds no part of the connection string.</exception>
    internal NpgsqlDataSource Connect(string name)
    {
        if (Tenants.Count == 0)
            throw new ArgumentException($"the SQL source \"{name}\" needs the tenants that may ask it (* for all)");
        if (MaxConnections is < 1 or > 100 || MaxTime <= TimeSpan.Zero || MaxTime > TimeSpan.FromHours(1))
            throw new ArgumentException($"the SQL source \"{name}\": from 1 to 100 connections, and up to an hour for a question");
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(ConnectionString)
            {
                ApplicationName = "runproof sql_query",
                MaxAutoPrepare = 0,
                Multiplexing = false,
                NoResetOnClose = false,
                Enlist = false,
                PersistSecurityInfo = false,
                MinPoolSize = 0,
                MaxPoolSize = MaxConnections,
                IncludeErrorDetail = false,
            };
            ArgumentException.ThrowIfNullOrEmpty(settings.Host);
            return new NpgsqlDataSourceBuilder(settings.ConnectionString).Build();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or NotSupportedException)
        {
            // The driver's words may quote what it could not read, a password for one.
            throw new ArgumentException($"the SQL source \"{name}\" has no connection string that could be read");
        }
    }
}
