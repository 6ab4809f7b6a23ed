using System.CommandLine;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RunProof.Postgres;

namespace RunProof.Cli;

/// <summary><c>db migrate|status</c>.</summary>
internal static class DatabaseCommands
{
    internal static Command Create(World world) => new("db", "The database's schema.")
    {
        new Command("migrate", "Bring the database to this program's schema. Needs an administrator or the owner; makes login roles whose password is set (RunProof__Roles__Runner__Password, …).")
            .Does(world, MigrateAsync),
        new Command("status", "Show the server's version, the schema's, and what is still to be applied. Exit code 1 where something is.").Does(world, StatusAsync),
    };

    private static async Task<Answer> MigrateAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var connection = Database.ConnectionOf(invocation);
        var world = invocation.World;
        var passwords = new RolePasswords(
            world.Variable("RunProof__Roles__Runner__Password"), world.Variable("RunProof__Roles__Verifier__Password"), world.Variable("RunProof__Roles__Auditor__Password"));
        ILogger log = NullLogger.Instance;
        var result = await world.Terminal.WhileAsync("migrating", () => Database.TranslateAsync(
            connection, () => SchemaMigrator.MigrateAsync(connection.ConnectionString, passwords, log, cancellationToken)));
        var document = new JsonObject
        {
            ["from"] = result.From, ["to"] = result.To, ["applied"] = new JsonArray([.. result.Applied.Select(file => JsonValue.Create(file))]),
        };
        return new Answer(document, page =>
        {
            foreach (var file in result.Applied)
                page.Line($"applied {file}");
            page.Line(Tone.Good, FormattableString.Invariant($"schema version {result.To}{(result.Applied.Count == 0 ? ": nothing to do" : "")}"));
        });
    }

    private static Task<Answer> StatusAsync(Invocation invocation, CancellationToken cancellationToken) => Database.UseAsync(invocation, async source =>
    {
        var state = await SchemaState.ReadAsync(source, cancellationToken);
        var document = new JsonObject
        {
            ["server_version"] = state.ServerVersion,
            ["schema_version"] = state.Version,
            ["head_version"] = state.Head,
            ["at_head"] = state.IsHead,
            ["difference"] = state.Difference,
            ["applied"] = new JsonArray([.. state.Applied.Select(file => JsonValue.Create(file))]),
            ["pending"] = new JsonArray([.. state.Pending.Select(file => JsonValue.Create(file))]),
        };
        return new Answer(document, page => Write(page, state), state.IsHead ? ExitCode.Ok : ExitCode.Error);
    });

    private static void Write(Page page, SchemaState state)
    {
        page.Fields(
            ("server", "PostgreSQL " + state.ServerVersion),
            ("schema version", Listing.Text(state.Version)),
            ("this program's", Listing.Text(state.Head)),
            ("pending", state.Pending.Count == 0 ? "none" : string.Join(", ", state.Pending)));
        if (state.Difference is { } difference)
            page.Line(Tone.Bad, difference);
        else
            page.Line(Tone.Good, "the schema is at head");
    }
}
