using System.Buffers;
using System.Text;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.ServiceDefaults;
using RunProof.Tiles;

namespace RunProof.Verifier;

/// <summary>A tenant's log as any client of the transparency-log world reads it (C2SP tlog-tiles), under <c>/log/{tenant_id}/</c>.</summary>
internal static class TiledLogEndpoints
{
    // A tile never changes; the specification asks for a long time.
    private const string Immutable = "public, max-age=31536000, immutable";

    internal static void MapTiledLog(this WebApplication app)
    {
        var log = app.MapGroup("/log/{tenant_id}").WithTags("Log");
        log.MapGet("/checkpoint", CheckpointAsync).WithName("log_checkpoint").WithSummary("The log's signed head, with its witnesses' cosignatures.").ProducesProblems(401, 403, 404, 503);
        log.MapGet("/tile/{**path}", TileAsync).WithName("log_tile").WithSummary("A hash tile or an entry bundle.").ProducesProblems(401, 403, 404, 503);
    }

    private static async Task<IResult> CheckpointAsync(HttpContext context, ILogReader logs, string tenant_id, CancellationToken cancellationToken)
    {
        var (log, refusal) = await LogAccess.FindAsync(context, logs, tenant_id, cancellationToken);
        if (log is null)
            return refusal!;
        if (log.Published is not { } published)
            return Problem.NotFound("The log has published no checkpoint yet.");
        // A few seconds at most: whoever waits for an inclusion polls this.
        context.Response.Headers.CacheControl = "no-cache";
        return Results.Text(published, "text/plain; charset=utf-8", Encoding.UTF8);
    }

    private static async Task<IResult> TileAsync(HttpContext context, ILogReader logs, string tenant_id, string path, CancellationToken cancellationToken)
    {
        var (log, refusal) = await LogAccess.FindAsync(context, logs, tenant_id, cancellationToken);
        if (log is null)
            return refusal!;
        if (!TileAddress.TryParse("tile/" + path, out var address))
            return Problem.NotFound($"\"tile/{path}\" is no address of a tile.");
        // What no published checkpoint covers is not there yet, though it may be stored.
        if (LogAccess.PublishedSize(log) is not { } size || !IsCovered(address, size))
            return Problem.NotFound("No published checkpoint covers that tile at that width.");
        var bytes = address.Kind is TileKind.Entries
            ? await BundleAsync(logs, log.Tenant, address, cancellationToken)
            : (await logs.ReadTilesAsync(log.Tenant, [address], cancellationToken)).GetValueOrDefault(address);
        if (bytes.IsEmpty)
            return Problem.NotFound("The tile is missing: the log was damaged. Its operator can find out with \"runproof log fsck\".");
        context.Response.Headers.CacheControl = log.IsPublic ? Immutable : Immutable.Replace("public", "private", StringComparison.Ordinal);
        return Results.Bytes(bytes, "application/octet-stream");
    }

    private static bool IsCovered(TileAddress address, long size)
    {
        var hashes = TileAddress.HashesAt(size, address.Level);
        return address.Index <= hashes / TileAddress.FullWidth && (address.Index * TileAddress.FullWidth) + address.Width <= hashes;
    }

    private static async Task<ReadOnlyMemory<byte>> BundleAsync(ILogReader logs, TenantId tenant, TileAddress address, CancellationToken cancellationToken)
    {
        var bundle = new ArrayBufferWriter<byte>();
        var count = 0;
        await foreach (var entry in logs.ReadEntriesAsync(tenant, address.Index * TileAddress.FullWidth, address.Width, cancellationToken))
        {
            EntryBundle.Append(bundle, Encoding.UTF8.GetBytes(entry.Text));
            count++;
        }

        return count == address.Width ? bundle.WrittenMemory : default;
    }
}
