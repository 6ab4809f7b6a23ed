using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace RunProof.ServiceDefaults;

/// <summary>The OpenAPI document of a service, at <c>/openapi/v1.json</c>.</summary>
public static class OpenApiDocuments
{
    private const string Document = "v1";

    /// <summary>Describes the service's endpoints: how a key is sent, which calls need one, and that refusals are problem details.</summary>
    /// <param name="services">The services.</param>
    /// <param name="title">The service's name.</param>
    /// <param name="description">What it is for.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddRunProofOpenApi(this IServiceCollection services, string title, string description) =>
        services.AddOpenApi(Document, options =>
        {
            options.AddDocumentTransformer((document, _, _) =>
            {
                document.Info = new OpenApiInfo { Title = title, Version = Document, Description = description };
                // The address that the document was asked at is the caller's own affair: a stable document names none.
                document.Servers = [];
                document.Components ??= new OpenApiComponents();
                document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal)
                {
                    [ApiKeyAuthentication.Scheme] = new OpenApiSecurityScheme
                    {
                        Type = SecuritySchemeType.Http,
                        Scheme = "bearer",
                        BearerFormat = "rpk_…",
                        Description = "An API key, as Authorization: Bearer rpk_… or X-API-Key: rpk_…",
                    },
                };
                return Task.CompletedTask;
            });
            options.AddOperationTransformer((operation, context, _) =>
            {
                if (context.Description.ActionDescriptor.EndpointMetadata.OfType<IAuthorizeData>().Any())
                    operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(ApiKeyAuthentication.Scheme, context.Document)] = [] }];
                return Task.CompletedTask;
            });
        });

    /// <summary>Declares the statuses that an endpoint answers with a <see cref="Problem"/>, places of malformed input included.</summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="statuses">The HTTP statuses.</param>
    /// <returns>The endpoint.</returns>
    public static RouteHandlerBuilder ProducesProblems(this RouteHandlerBuilder endpoint, params ReadOnlySpan<int> statuses)
    {
        foreach (var status in statuses)
            endpoint.Produces<Problem>(status, Problem.MediaType);
        return endpoint;
    }

    /// <summary>Serves the document, without authentication.</summary>
    /// <param name="app">The application.</param>
    /// <returns>The application.</returns>
    public static WebApplication MapRunProofOpenApi(this WebApplication app)
    {
        app.MapOpenApi().AllowAnonymous();
        return app;
    }
}
