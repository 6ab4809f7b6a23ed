using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace RunProof.ServiceDefaults;

/// <summary>Health as JSON: <c>{"status":"Healthy","checks":[{"name":…,"status":…,"description":…,"duration_ms":…,"data":{…}}]}</c>.</summary>
internal static class HealthEndpoint
{
    internal static async Task AnswerAsync(HttpContext context, Func<HealthCheckRegistration, bool> checks)
    {
        LeaveOutOfTraces(Activity.Current);
        var health = context.RequestServices.GetRequiredService<HealthCheckService>();
        var report = await health.CheckHealthAsync(checks, context.RequestAborted);
        context.Response.StatusCode = report.Status is HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        Write(json, report);
    }

    /// <summary>The template filters these requests by path; clearing the flag also keeps the checks' own database calls out.</summary>
    private static void LeaveOutOfTraces(Activity? activity)
    {
        if (activity is null)
            return;
        activity.IsAllDataRequested = false;
        activity.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
    }

    private static void Write(Utf8JsonWriter json, HealthReport report)
    {
        json.WriteStartObject();
        json.WriteString("status", report.Status.ToString());
        json.WriteStartArray("checks");
        foreach (var (name, entry) in report.Entries)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteString("status", entry.Status.ToString());
            // A check's own words, never its exception: that may hold an address or a user name, and this endpoint has no authentication.
            json.WriteString("description", OwnWords(entry));
            json.WriteNumber("duration_ms", Math.Round(entry.Duration.TotalMilliseconds, 3));
            WriteNumbers(json, entry.Data);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>What a check counted; left out where it counts nothing.</summary>
    private static void WriteNumbers(Utf8JsonWriter json, IReadOnlyDictionary<string, object> data)
    {
        if (data.Count == 0)
            return;
        json.WriteStartObject("data");
        foreach (var (name, value) in data.Where(each => each.Value is int or long or double))
            json.WriteNumber(name, Convert.ToDouble(value, System.Globalization.CultureInfo.InvariantCulture));
        json.WriteEndObject();
    }

    // Where a check throws, the framework puts the exception's message into the description; its log has the whole of it.
    private static string? OwnWords(HealthReportEntry entry) =>
        entry.Exception is { } failure && string.Equals(entry.Description, failure.Message, StringComparison.Ordinal) ? "the check failed; the log says why" : entry.Description;
}
