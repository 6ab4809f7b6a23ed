using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;

namespace RunProof.Cli;

/// <summary><c>log fsck</c>: what is derived from a log's entries, rebuilt from them and compared.</summary>
internal static class LogFsckCommand
{
    private const int FindingsShown = 25;

    private static readonly Option<string?> Tenant = new("--tenant") { HelpName = "ID", Description = "Only this tenant's log." };
    private static readonly Option<bool> All = new("--all") { Description = "The logs of all tenants: the default." };
    private static readonly Option<string[]> Keys = new("--key") { HelpName = "VKEY", Description = "The log's verifier key, from elsewhere than the database; again for each." };
    private static readonly Option<string?> TrustFile = new("--trust") { HelpName = "FILE", Description = "Verifier keys, a line each, or a tlog-policy." };

    internal static Command Create(World world) =>
        new Command("fsck", "Rebuild from each log's entries all that is derived from them (tiles, head, pairs of entries) and compare. Changes nothing. Exit code 10 where something does not fit.") { Tenant, All, Keys, TrustFile }
            .Does(world, RunAsync);

    private static async Task<Answer> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var named = invocation.Get(Tenant);
        if (named is not null && invocation.Get(All))
            throw CommandException.Usage("--tenant and --all: give the one or the other");
        var trust = await Trust.ReadAsync(invocation.Get(Keys) ?? [], invocation.Get(TrustFile), invocation.World, cancellationToken);
        var checkedLogs = await invocation.World.Terminal.WhileAsync("rebuilding", () => Database.UseAsync(invocation, async source =>
        {
            var logs = new List<CheckedLog>();
            foreach (var tenant in await Tenants.WithLogsAsync(source, named, cancellationToken))
                logs.Add(await CheckAsync(source, tenant, trust, invocation.World, cancellationToken));
            return logs;
        }));
        if (named is not null && checkedLogs is [{ Report: { Entries: 0, Findings.Count: 0 }, Origin: null }])
            throw new CommandException(ExitCode.NotFound, "not_found", $"tenant {named} has no log: none of its traces was entered yet");
        var isWhole = checkedLogs.TrueForAll(static log => log.Report.Findings.Count == 0);
        var document = new JsonObject { ["whole"] = isWhole, ["logs"] = new JsonArray([.. checkedLogs.Select(ToJson)]) };
        return new Answer(document, page => Write(page, checkedLogs), isWhole ? ExitCode.Ok : ExitCode.Failed);
    }

    private static async Task<CheckedLog> CheckAsync(NpgsqlDataSource source, TenantId tenant, Trust trust, World world, CancellationToken cancellationToken)
    {
        var reader = new PostgresLogReader(source);
        var log = await reader.FindAsync(tenant, cancellationToken);
        var keys = trust.Keys.Where(key => log is null || key.Key.Name == log.Origin).ToList();
        if (trust.Keys.Count == 0)
        {
            foreach (var own in await reader.ReadKeysAsync(tenant, cancellationToken))
            {
                if (NoteKey.TryParse(own.VerifierKey, out var key, out _) && world.VerifierOf(key) is { } verifier)
                    keys.Add(verifier);
            }
        }

        try
        {
            var report = await LogFsck.CheckAsync(reader, tenant, keys, cancellationToken);
            return new CheckedLog(tenant, log?.Origin, report, keys.Count == 0 ? null : trust.Source ?? "the database's own list of keys");
        }
        catch (PlatformNotSupportedException problem)
        {
            throw new CommandException(ExitCode.Error, "unsupported", problem.Message);
        }
    }

    private static JsonNode ToJson(CheckedLog log) => new JsonObject
    {
        ["tenant_id"] = log.Tenant.Value,
        ["origin"] = log.Origin,
        ["whole"] = log.Report.Findings.Count == 0,
        ["entries"] = log.Report.Entries,
        ["tiles"] = log.Report.Tiles,
        ["root"] = ProofText.Of(log.Report.Root),
        ["keys_from"] = log.KeysFrom,
        ["findings"] = new JsonArray([.. log.Report.Findings.Select(static finding => new JsonObject { ["code"] = finding.Code, ["place"] = finding.Place, ["message"] = finding.Message })]),
        ["findings_omitted"] = log.Report.FindingsOmitted,
    };

    private static void Write(Page page, List<CheckedLog> logs)
    {
        page.Table(
            ["TENANT", "ENTRIES", "TILES", "ROOT", "RESULT", "SIGNATURE"],
            [.. logs.Select(static log => new Cell[] { log.Tenant.Value, Number(log.Report.Entries), Number(log.Report.Tiles), ProofText.Of(log.Report.Root), Result(log.Report), log.KeysFrom is null ? "not checked" : "by " + log.KeysFrom })],
            "no tenant has a log");
        foreach (var log in logs.Where(static log => log.Report.Findings.Count > 0))
        {
            page.Line();
            page.Table([$"FINDING in {log.Tenant}", "PLACE", "MESSAGE"], [.. log.Report.Findings.Take(FindingsShown).Select(static finding => new Cell[] { finding.Code, finding.Place, finding.Message })], "");
            var more = log.Report.Findings.Count - Math.Min(log.Report.Findings.Count, FindingsShown) + log.Report.FindingsOmitted;
            if (more > 0)
                page.Line(string.Create(CultureInfo.InvariantCulture, $"… and {more} more"));
        }
    }

    private static Cell Result(LogFsckReport report) =>
        report.Findings.Count == 0 ? new Cell("whole", Tone.Good) : new Cell(Number(report.Findings.Count + report.FindingsOmitted) + " findings", Tone.Bad);

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <param name="Tenant">Whose it is.</param>
    /// <param name="Origin">Its origin; null where it has no head.</param>
    /// <param name="Report">What was found.</param>
    /// <param name="KeysFrom">Where the keys are from; null where the signature was not checked.</param>
    private sealed record CheckedLog(TenantId Tenant, string? Origin, LogFsckReport Report, string? KeysFrom);
}
