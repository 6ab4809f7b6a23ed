using System.Globalization;
using Microsoft.AspNetCore.Authentication;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.ServiceDefaults;

namespace RunProof.Verifier;

/// <summary>The log of the request's tenant, in JSON; and what the service says of its logs to anybody.</summary>
internal static class LogEndpoints
{
    internal static void MapLog(this RouteGroupBuilder api)
    {
        var log = api.MapGroup("/log").RequireScope(ApiKeyAuthentication.AuditorScope).WithTags("Log");
        log.MapGet("", StateAsync).WithName("log_state").WithSummary("The log's size, checkpoint, keys and lag.").Produces<LogResponse>().ProducesProblems(401, 403, 404, 503);
        log.MapGet("/inclusion", InclusionAsync).WithName("log_inclusion").WithSummary("That an entry is in a tree of the log.").Produces<InclusionResponse>().ProducesProblems(400, 401, 403, 404, 503);
        log.MapGet("/consistency", ConsistencyAsync).WithName("log_consistency").WithSummary("That a tree of the log began as a smaller one.").Produces<ConsistencyResponse>().ProducesProblems(400, 401, 403, 404, 503);
    }

    internal static void MapWellKnown(this WebApplication app) =>
        app.MapGet("/.well-known/runproof", WellKnownAsync).WithName("well_known").WithSummary("The logs that the request may read, with their verifier keys and validity.").Produces<WellKnownResponse>().WithTags("Log");

    private static async Task<IResult> StateAsync(HttpContext context, ILogReader logs, CancellationToken cancellationToken)
    {
        var tenant = context.GetTenant();
        if (await logs.FindAsync(tenant, cancellationToken) is not { } log)
            return NotBegun();
        var (published, lag) = (LogAccess.Published(log), await logs.ReadLagAsync(tenant, cancellationToken));
        return Results.Ok(new LogResponse
        {
            TenantId = tenant.Value,
            Origin = log.Origin,
            Size = published?.Checkpoint.Size ?? 0,
            Root = published is { } head ? Convert.ToBase64String(head.Checkpoint.Root.Span) : null,
            Checkpoint = log.Published,
            CommittedSize = log.Size,
            IsPublic = log.IsPublic,
            Keys = [.. (await logs.ReadKeysAsync(tenant, cancellationToken)).Select(LogKeyResponse.Of)],
            Queued = lag.Queued,
            OldestQueuedAt = lag.Oldest is { } oldest ? WireTime.ToText(oldest) : null,
            Quarantined = lag.Quarantined,
            UpdatedAt = WireTime.ToText(log.UpdatedAt),
        });
    }

    private static async Task<IResult> InclusionAsync(HttpContext context, ILogReader logs, string? index, string? size, CancellationToken cancellationToken)
    {
        var tenant = context.GetTenant();
        if (await logs.FindAsync(tenant, cancellationToken) is not { } log || LogAccess.PublishedSize(log) is not { } published)
            return NotBegun();
        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        var tree = Number("size", size ?? published.ToString(CultureInfo.InvariantCulture), 1, published, errors);
        var position = Number("index", index, 0, tree - 1, errors);
        if (errors.Count > 0)
            return Problem.Invalid(errors);
        var path = await TileProofs.InclusionAsync(logs, tenant, position, tree, cancellationToken);
        await foreach (var entry in logs.ReadEntriesAsync(tenant, position, 1, cancellationToken))
            return Results.Ok(new InclusionResponse(position, tree, entry.Text, Base64(MerkleTree.LeafHash(System.Text.Encoding.UTF8.GetBytes(entry.Text))), [.. path.Select(Base64)]));
        throw new LogStoreException(isTransient: false, string.Create(CultureInfo.InvariantCulture, $"the log has no entry {position}"));
    }

    private static async Task<IResult> ConsistencyAsync(HttpContext context, ILogReader logs, string? from, string? to, CancellationToken cancellationToken)
    {
        var tenant = context.GetTenant();
        if (await logs.FindAsync(tenant, cancellationToken) is not { } log || LogAccess.PublishedSize(log) is not { } published)
            return NotBegun();
        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        var newer = Number("to", to ?? published.ToString(CultureInfo.InvariantCulture), 0, published, errors);
        var older = Number("from", from, 0, newer, errors);
        if (errors.Count > 0)
            return Problem.Invalid(errors);
        var proof = await TileProofs.ConsistencyAsync(logs, tenant, older, newer, cancellationToken);
        return Results.Ok(new ConsistencyResponse(older, newer, [.. proof.Select(Base64)]));
    }

    /// <summary>Public logs, and the log of the request's tenant where it brings a key.</summary>
    private static async Task<IResult> WellKnownAsync(HttpContext context, ILogReader logs, CancellationToken cancellationToken)
    {
        var tenants = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var tenant in await logs.ListPublicAsync(cancellationToken))
            tenants.Add(tenant.Value);
        if (await context.AuthenticateAsync() is { Succeeded: true } bearer)
        {
            context.User = bearer.Principal;
            tenants.Add(context.GetTenant().Value);
        }

        var shown = new List<WellKnownLog>();
        foreach (var tenant in tenants.Select(TenantId.Parse))
        {
            if (await logs.FindAsync(tenant, cancellationToken) is { } log)
                shown.Add(new WellKnownLog(tenant.Value, log.Origin, $"/log/{tenant.Value}/", [.. (await logs.ReadKeysAsync(tenant, cancellationToken)).Select(LogKeyResponse.Of)]));
        }

        return Results.Ok(new WellKnownResponse("runproof/v1", shown));
    }

    private static long Number(string name, string? text, long least, long most, Dictionary<string, string[]> errors)
    {
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
            return number;
        errors[name] = [string.Create(CultureInfo.InvariantCulture, $"must be a whole number from {least} to {most}")];
        return least;
    }

    private static string Base64(Digest hash) => Convert.ToBase64String(hash.Span);

    private static Problem NotBegun() => Problem.NotFound("The log has published no checkpoint yet.");
}
