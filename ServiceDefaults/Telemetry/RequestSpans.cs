using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace RunProof.ServiceDefaults;

/// <summary>
/// In place of OpenTelemetry.Instrumentation.AspNetCore: the server gives a request's span its method and path when it begins; here come, when it
/// ends, its name, its route and its status code.
/// </summary>
internal sealed class RequestSpans : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(async (HttpContext context, RequestDelegate rest) =>
        {
            try
            {
                await rest(context);
            }
            finally
            {
                if (context.Features.Get<IHttpActivityFeature>()?.Activity is { IsAllDataRequested: true } span)
                    Complete(span, context);
            }
        });
        next(app);
    };

    private static void Complete(Activity span, HttpContext context)
    {
        // The route, never the path: names are grouped by, and a path holds ids.
        var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
        span.DisplayName = route is null ? context.Request.Method : $"{context.Request.Method} {route}";
        if (route is not null)
            span.SetTag("http.route", route);
        span.SetTag("http.response.status_code", context.Response.StatusCode);
        if (context.Response.StatusCode < 500)
            return;
        span.SetStatus(ActivityStatusCode.Error);
        span.SetTag("error.type", context.Response.StatusCode.ToString(CultureInfo.InvariantCulture));
    }
}
