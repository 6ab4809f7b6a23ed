using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using RunProof.Ledger;

namespace RunProof.ServiceDefaults;

/// <summary>
/// Looks a request's key up by its SHA-256. Keys are never compared as text, so the time an answer takes tells nothing about a key that is near.
/// </summary>
internal sealed class ApiKeyHandler(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logs, UrlEncoder encoder, ApiKeyCache keys)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logs, encoder)
{
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Sent() is not { } text)
            return AuthenticateResult.NoResult();
        if (!ApiKeySecret.IsWellFormed(text))
            return AuthenticateResult.Fail("not the form of an API key");
        var key = await keys.FindAsync(ApiKeySecret.HashOf(text), Context.RequestAborted);
        return key is null ? AuthenticateResult.Fail("unknown or revoked API key") : AuthenticateResult.Success(TicketOf(key));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        var words = Sent() is null ? null : "The API key is malformed, unknown or revoked.";
        return Problem.ForStatus(401, words).ExecuteAsync(Context);
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        var scope = Context.User.FindFirst(ApiKeyAuthentication.ScopeClaim)?.Value;
        return Problem.ForStatus(403, $"The key has the scope \"{scope}\", which does not allow this call.").ExecuteAsync(Context);
    }

    /// <summary>The key as sent; an Authorization header that is there but no Bearer is a key that is wrong, not one that is missing.</summary>
    private string? Sent()
    {
        if (Request.Headers.Authorization is [{ } authorization, ..])
            return authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? authorization["Bearer ".Length..].Trim() : authorization;
        return Request.Headers["X-API-Key"] is [{ } key, ..] ? key : null;
    }

    private static AuthenticationTicket TicketOf(ApiKey key)
    {
        Claim[] claims =
        [
            new(ApiKeyAuthentication.TenantClaim, key.TenantId.Value),
            new(ApiKeyAuthentication.KeyClaim, key.Id),
            new(ApiKeyAuthentication.ScopeClaim, key.Scope),
        ];
        return new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity(claims, ApiKeyAuthentication.Scheme)), ApiKeyAuthentication.Scheme);
    }
}
