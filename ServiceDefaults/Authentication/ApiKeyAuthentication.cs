using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using RunProof.Format;

namespace RunProof.ServiceDefaults;

/// <summary>Every call is in a tenant by its API key.</summary>
public static class ApiKeyAuthentication
{
    /// <summary>The authentication scheme.</summary>
    public const string Scheme = "ApiKey";

    /// <summary>The scope that may create and read.</summary>
    public const string RunnerScope = "runner";

    /// <summary>The scope that may only read. A runner's key may do what an auditor's may.</summary>
    public const string AuditorScope = "auditor";

    /// <summary>Scope of keys that may read, and say what runs may do: policies. They may not ask for runs: who is governed does not govern.</summary>
    public const string GovernorScope = "governor";

    /// <summary>Scope of keys that may read, and decide of what runs ask people. They may not ask for runs: four eyes.</summary>
    public const string ApproverScope = "approver";

    internal const string TenantClaim = "runproof:tenant";
    internal const string KeyClaim = "runproof:key";
    internal const string ScopeClaim = "runproof:scope";

    /// <summary>
    /// Authentication by <c>Authorization: Bearer rpk_…</c> or <c>X-API-Key</c> against the <c>IApiKeyStore</c>, and authorization by scope. A valid key is
    /// remembered for at most <see cref="ApiKeyCache.Lifetime"/>, so a revocation is seen within that time.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddApiKeyAuthentication(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<ApiKeyCache>();
        // What AddAuthentication does, without data protection: a key protects nothing here, and its key ring would be written to disk for no use.
        services.AddAuthenticationCore(authentication => authentication.DefaultScheme = Scheme);
        services.AddWebEncoders();
        new AuthenticationBuilder(services).AddScheme<AuthenticationSchemeOptions, ApiKeyHandler>(Scheme, null);
        services.AddAuthorizationBuilder()
            .AddPolicy(RunnerScope, policy => policy.RequireClaim(ScopeClaim, RunnerScope))
            .AddPolicy(GovernorScope, policy => policy.RequireClaim(ScopeClaim, GovernorScope))
            .AddPolicy(ApproverScope, policy => policy.RequireClaim(ScopeClaim, ApproverScope))
            .AddPolicy(AuditorScope, policy => policy.RequireClaim(ScopeClaim, RunnerScope, AuditorScope, GovernorScope, ApproverScope));
        return services;
    }

    /// <summary>Requires a key of a scope: 401 without a valid key, 403 with a valid one of a narrower scope.</summary>
    /// <typeparam name="TBuilder">The endpoint's or the group's builder.</typeparam>
    /// <param name="endpoint">The endpoint or group.</param>
    /// <param name="scope"><see cref="RunnerScope"/>, <see cref="GovernorScope"/>, <see cref="ApproverScope"/>, or <see cref="AuditorScope"/>, which any key satisfies.</param>
    /// <exception cref="ArgumentException">Another word.</exception>
    /// <returns>The endpoint.</returns>
    public static TBuilder RequireScope<TBuilder>(this TBuilder endpoint, string scope)
        where TBuilder : IEndpointConventionBuilder
    {
        if (scope is not (RunnerScope or AuditorScope or GovernorScope or ApproverScope))
            throw new ArgumentException($"no such scope: \"{scope}\" ({RunnerScope}, {GovernorScope}, {ApproverScope} or {AuditorScope})", nameof(scope));
        return endpoint.RequireAuthorization(new AuthorizeAttribute(scope));
    }

    /// <summary>The tenant that the request's key acts in.</summary>
    /// <param name="context">A request on an endpoint with <see cref="RequireScope"/>.</param>
    /// <exception cref="InvalidOperationException">The endpoint lets requests in without a key.</exception>
    /// <returns>The tenant.</returns>
    public static TenantId GetTenant(this HttpContext context) =>
        TenantId.TryParse(context.User.FindFirst(TenantClaim)?.Value, out var tenant)
            ? tenant
            : throw new InvalidOperationException("no tenant: the endpoint lacks RequireScope");

    /// <summary>The public id of the request's key, for logs and records.</summary>
    /// <param name="context">A request on an endpoint with <see cref="RequireScope"/>.</param>
    /// <exception cref="InvalidOperationException">The endpoint lets requests in without a key.</exception>
    /// <returns><c>key_…</c>.</returns>
    public static string GetApiKeyId(this HttpContext context) =>
        context.User.FindFirst(KeyClaim)?.Value ?? throw new InvalidOperationException("no key: the endpoint lacks RequireScope");
}
