namespace RunProof.EmbeddedPostgres;

/// <summary>Why a private PostgreSQL could not be had.</summary>
public enum EmbeddedPostgresFailure
{
    /// <summary>No PostgreSQL of version 15 or newer was found, and none could be fetched. The message names three ways out.</summary>
    BinariesNotFound,

    /// <summary>The folder that was asked for holds no usable PostgreSQL, or one older than 15.</summary>
    BinariesUnusable,

    /// <summary>The npm client could not install the pinned package, or what it installed is not what was pinned. Retrying may help.</summary>
    InstallFailed,

    /// <summary>Another process has the data folder.</summary>
    DataFolderInUse,

    /// <summary>The data folder was made by another major version of PostgreSQL.</summary>
    OtherMajorVersion,

    /// <summary>The data folder cannot be used: not reachable by the server's user, not writable, or not a cluster.</summary>
    DataFolderUnusable,

    /// <summary>The port that was asked for is taken.</summary>
    PortInUse,

    /// <summary>The server ended, or was not ready in time. The message ends in the last lines it wrote.</summary>
    StartFailed,
}

/// <summary>A private PostgreSQL could not be had.</summary>
/// <param name="failure">Why.</param>
/// <param name="message">What was tried, what was found, what to do.</param>
/// <param name="inner">The cause, or null.</param>
public sealed class EmbeddedPostgresException(EmbeddedPostgresFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Why.</summary>
    public EmbeddedPostgresFailure Failure { get; } = failure;

    /// <summary>Whether the same call may succeed later without anything being changed by hand.</summary>
    public bool IsTransient => Failure is EmbeddedPostgresFailure.InstallFailed or EmbeddedPostgresFailure.DataFolderInUse;
}
