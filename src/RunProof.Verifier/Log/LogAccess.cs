using System.Text;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.ServiceDefaults;

namespace RunProof.Verifier;

/// <summary>Who may read a log: whoever has a key of its tenant, and anybody where the tenant made it public.</summary>
internal static class LogAccess
{
    /// <summary>Finds a log for the request. Whether another tenant's log exists is not told: without a right to it, it is not found.</summary>
    /// <returns>The log, or what to answer.</returns>
    internal static async Task<(ServedLog? Log, IResult? Refusal)> FindAsync(HttpContext context, ILogReader logs, string tenantId, CancellationToken cancellationToken)
    {
        var isTenant = TenantId.TryParse(tenantId, out var tenant);
        var log = isTenant ? await logs.FindAsync(tenant, cancellationToken) : null;
        if (log is { IsPublic: true })
            return (log, null);
        var bearer = await context.AuthenticateAsync();
        if (!bearer.Succeeded)
            return (null, Problem.ForStatus(401));
        context.User = bearer.Principal;
        var authorized = await context.RequestServices.GetRequiredService<IAuthorizationService>().AuthorizeAsync(bearer.Principal, ApiKeyAuthentication.AuditorScope);
        if (!authorized.Succeeded)
            return (null, Problem.ForStatus(403));
        return log is not null && context.GetTenant() == tenant ? (log, null) : (null, Problem.NotFound($"There is no log {tenantId}."));
    }

    /// <summary>Entries that the published checkpoint covers; null where none is published, or what is stored is none.</summary>
    internal static long? PublishedSize(ServedLog log) => Published(log)?.Checkpoint.Size;

    /// <summary>The published checkpoint.</summary>
    internal static (SignedNote Note, Checkpoint Checkpoint)? Published(ServedLog log) =>
        log.Published is { } text && SignedNote.TryParse(Encoding.UTF8.GetBytes(text), out var note, out _) && Checkpoint.TryParse(note.Text, out var checkpoint, out _) ? (note, checkpoint) : null;
}
