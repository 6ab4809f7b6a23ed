using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace RunProof.ServiceDefaults;

/// <summary>Every refusal as problem details with a stable type, also those that the server itself answers.</summary>
public static class Problems
{
    /// <summary>Makes malformed bodies, parameters and unhandled exceptions problems. Needs <see cref="UseRunProofProblems"/> in the pipeline.</summary>
    /// <param name="services">The services.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddRunProofProblems(this IServiceCollection services)
    {
        // Without it minimal APIs answer a bare 400 to a malformed body in production, and no one learns the place.
        services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        services.AddExceptionHandler<ExceptionProblems>();
        return services;
    }

    /// <summary>
    /// Put it first in the pipeline. Inside it comes authentication, where the services have it: placed by the framework it would stand outside, and a
    /// key that cannot be looked up would be no problem but a bare 500.
    /// </summary>
    /// <param name="app">The application.</param>
    /// <returns>The application.</returns>
    public static WebApplication UseRunProofProblems(this WebApplication app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            // Reached only where no IExceptionHandler took the exception, which ours always does.
            ExceptionHandler = context => Problem.ForStatus(500).ExecuteAsync(context),
            SuppressDiagnosticsCallback = handled => handled.Exception is BadHttpRequestException or OperationCanceledException,
        });
        app.UseStatusCodePages(context => Problem.ForStatus(context.HttpContext.Response.StatusCode).ExecuteAsync(context.HttpContext));
        if (app.Services.GetService<IAuthenticationSchemeProvider>() is not null)
            app.UseAuthentication().UseAuthorization();
        return app;
    }
}
