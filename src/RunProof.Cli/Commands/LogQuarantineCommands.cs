using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;

namespace RunProof.Cli;

/// <summary><c>log quarantine</c> and <c>log requeue</c>: what did not verify when its turn came, and another turn for it.</summary>
internal static class LogQuarantineCommands
{
    private const int Limit = 1_000;

    private static readonly Option<string?> OfTenant = new("--tenant") { HelpName = "ID", Description = "Only this tenant's." };
    private static readonly Option<string> Tenant = new("--tenant") { Required = true, HelpName = "ID", Description = "The tenant." };
    private static readonly Option<bool> All = new("--all") { Description = "All that is in the tenant's quarantine." };
    private static readonly Argument<string?> Trace = new("TRACE") { Arity = ArgumentArity.ZeroOrOne, Description = "The trace's id." };

    internal static Command CreateQuarantine(World world) =>
        new Command("quarantine", "List what did not verify when its turn came, and is not in the log: which trace, and why. Exit code 10 where there is any.") { OfTenant }.Does(world, ListAsync);

    internal static Command CreateRequeue(World world) =>
        new Command("requeue", "Queue what is in quarantine again, once its cause was removed. It is examined again: what still does not verify comes back. Needs the verifier's login.") { Trace, Tenant, All }
            .Does(world, RequeueAsync);

    private static async Task<Answer> ListAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var held = await Database.UseAsync(invocation, async source =>
        {
            var reader = new PostgresLogReader(source);
            var all = new List<(TenantId Tenant, QuarantinedEntry Entry)>();
            foreach (var tenant in invocation.Get(OfTenant) is { } named ? [Tenants.Parse(named)] : await new PostgresQuarantine(source).ListTenantsAsync(cancellationToken))
                all.AddRange((await reader.ReadQuarantineAsync(tenant, Limit, cancellationToken)).Select(entry => (tenant, entry)));
            return all;
        });
        var document = new JsonObject
        {
            ["items"] = new JsonArray([.. held.Select(static each => new JsonObject
            {
                ["tenant_id"] = each.Tenant.Value,
                ["trace_id"] = each.Entry.TraceId,
                ["kind"] = Word(each.Entry.Kind),
                ["code"] = each.Entry.Code,
                ["place"] = each.Entry.Place,
                ["message"] = each.Entry.Message,
                ["quarantined_at"] = WireTime.ToText(each.Entry.QuarantinedAt),
            })]),
        };
        return new Answer(document, page => page.Table(
            ["TENANT", "TRACE", "KIND", "SINCE", "CODE", "MESSAGE"],
            [.. held.Select(static each => new Cell[] { each.Tenant.Value, each.Entry.TraceId, Word(each.Entry.Kind), WireTime.ToText(each.Entry.QuarantinedAt), new(each.Entry.Code, Tone.Bad), each.Entry.Message })],
            "nothing is in quarantine"), held.Count == 0 ? ExitCode.Ok : ExitCode.Failed);
    }

    private static async Task<Answer> RequeueAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var trace = invocation.Parse.GetValue(Trace);
        if ((trace is null) != invocation.Get(All))
            throw CommandException.Usage("TRACE or --all: give the one or the other", "runproof log quarantine lists what there is");
        var tenant = Tenants.Parse(invocation.Get(Tenant)!);
        var moved = await Database.UseAsync(invocation, source => new PostgresQuarantine(source).RequeueAsync(tenant, trace, cancellationToken));
        if (moved.Count == 0 && trace is not null)
            throw new CommandException(ExitCode.NotFound, "not_found", $"nothing of trace {trace} is in quarantine", "runproof log quarantine lists what is");
        var document = new JsonObject
        {
            ["tenant_id"] = tenant.Value,
            ["requeued"] = new JsonArray([.. moved.Select(static each => new JsonObject { ["trace_id"] = each.TraceId, ["kind"] = Word(each.Kind) })]),
        };
        return new Answer(document, page =>
        {
            page.Table(["TRACE", "KIND"], [.. moved.Select(static each => new Cell[] { each.TraceId, Word(each.Kind) })], "nothing is in quarantine");
            if (moved.Count > 0)
                page.Line(Tone.Open, string.Create(CultureInfo.InvariantCulture, $"{moved.Count} entries await inclusion again; those that still do not verify come back: runproof log quarantine --tenant {tenant}"));
        });
    }

    private static string Word(LogEntryKind kind) => kind is LogEntryKind.Opened ? "opened" : "sealed";
}
