using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.Hosting;

namespace RunProof.ServiceDefaults;

/// <summary>What the services' logs leave out: a line for each SQL command and several for each request, all of which are spans already.</summary>
internal static class QuietLogs
{
    // As the first source: any other that names the category overrules it, a filter in code would overrule them all.
    internal static void AddQuietLogs(this IHostApplicationBuilder builder) =>
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData =
            [
                new("Logging:LogLevel:Npgsql", "Warning"),
                new("Logging:LogLevel:Microsoft.AspNetCore", "Warning"),
            ],
        });
}
