using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Cli;

/// <summary>Chapters 0 and 1: what this is run on, and what must be so before anything else.</summary>
internal static class Surroundings
{
    internal static async Task LookAsync(Scene scene, CancellationToken cancellationToken)
    {
        var context = scene.Begin(0, "Context");
        context.Facts(
            "environment",
            ("command", "runproof " + CliVersion.Text),
            ("runtime", RuntimeInformation.FrameworkDescription),
            ("system", $"{RuntimeInformation.OSDescription} ({RuntimeInformation.ProcessArchitecture})"),
            ("runner", scene.Runner.Address.ToString()),
            ("verifier", scene.Verifier.Address.ToString()));
        var chapter = scene.Begin(1, "Preconditions");
        await DatabaseAsync(scene, chapter, cancellationToken);
        await ServiceAsync(scene, chapter, scene.Runner, cancellationToken);
        await ServiceAsync(scene, chapter, scene.Verifier, cancellationToken);
    }

    private static async Task DatabaseAsync(Scene scene, Chapter chapter, CancellationToken cancellationToken)
    {
        DatabaseFacts? facts = null;
        await scene.MustAsync("PostgreSQL 15 or newer answers", async () =>
        {
            facts = await scene.Database.DescribeAsync(cancellationToken);
            return (facts.Schema.ServerMajor >= 15, $"PostgreSQL {facts.Schema.ServerVersion} at {facts.Address}");
        });
        scene.Must("the schema is at head", facts is { Schema.IsHead: true }, facts is null ? "not looked at: the database does not answer" : SchemaWords(facts.Schema));
        if (facts is null)
            return;
        chapter.Facts(
            "database",
            ("address", facts.Address),
            ("server version", facts.Schema.ServerVersion),
            ("connected through", Path(facts)),
            ("user", facts.User + (facts.IsSuperuser ? " (superuser)" : "")),
            ("member of", facts.Roles.Count == 0 ? "none of RunProof's roles" : string.Join(", ", facts.Roles)),
            ("schema", SchemaWords(facts.Schema)),
            ("applied", string.Join(", ", facts.Schema.Applied)),
            ("server's clock", $"{WireTime.ToText(facts.ServerTime)} (this machine's: {WireTime.ToText(scene.Clock.GetUtcNow())})"));
    }

    private static async Task ServiceAsync(Scene scene, Chapter chapter, ApiClient service, CancellationToken cancellationToken)
    {
        await scene.MustAsync($"the {service.Service} is ready, on PostgreSQL and at this schema", async () =>
        {
            var health = await ServiceHealth.ReadAsync(service, cancellationToken);
            chapter.Table($"{service.Service}: GET /health", ["check", "status", "description"], [.. health.Checks.Select(check => new[] { check.Name, check.Status, check.Description })]);
            var holds = health.IsHealthy && health.Has("PostgreSql") && health.Has("schema");
            return (holds, $"{health.Status}: {string.Join(", ", health.Checks.Select(check => $"{check.Name} {check.Status}"))}");
        });
        await scene.MustAsync($"the {service.Service} answers no one without a key", async () =>
        {
            var probe = service.Service == "runner" ? "api/v1/runs" : "api/v1/runs/none/proof";
            var (status, _, _) = await service.ProbeAsync(probe, cancellationToken);
            return (status == System.Net.HttpStatusCode.Unauthorized, string.Create(CultureInfo.InvariantCulture, $"GET /{probe} without a key: {(int)status}"));
        });
    }

    private static string SchemaWords(SchemaState schema) =>
        string.Create(CultureInfo.InvariantCulture, $"version {schema.Version} of {schema.Head}{(schema.Difference is null ? ", at head" : ": " + schema.Difference)}");

    private static string Path(DatabaseFacts facts) => facts.ServerPort is not { } port
        ? "a Unix socket or a proxy that names no port"
        : string.Create(
            CultureInfo.InvariantCulture,
            $"port {facts.ConnectedPort}; the server itself listens on {port}{(port == facts.ConnectedPort ? "" : ": a pooler or a forwarding stands between")}");
}
