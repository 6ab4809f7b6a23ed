using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;

namespace RunProof.Cli;

/// <summary><c>log audit</c>: whole logs against the evidence that they are of; with <c>--url</c> as somebody sees them who has nothing else.</summary>
internal static class LogAuditCommand
{
    private static readonly Option<string?> Url = new("--url")
    {
        HelpName = "URL", Description = "Read a log as an outsider, with no database: from what is served below this prefix (C2SP tlog-tiles), https://log.example/log/acme/, or with --tenant by a RunProof service at that URL.",
    };

    private static readonly Option<string?> HashTiles = new Option<string?>("--hash-tiles") { HelpName = "WHICH", Description = "With --url: compare all (default), sample or none of the served hash tiles." }.AcceptOnly("all", "sample", "none");
    private static readonly Option<string?> Tenant = new("--tenant") { HelpName = "ID", Description = "Only this tenant's log. Default: every log." };

    private static readonly Option<string?> From = new("--from")
    {
        HelpName = "SIZE", Description = "Begin at this position; entries before it, and their traces, are not read. last: where everything was audited without a finding.",
    };

    private static readonly Option<string[]> Keys = new("--key") { HelpName = "VKEY", Description = "The log's verifier key, from elsewhere than the database; again for each. Default: the one of the last audit." };
    private static readonly Option<string?> TrustFile = new("--trust") { HelpName = "FILE", Description = "Verifier keys, a line each, or a tlog-policy, whose witness quorum is then checked too." };
    private static readonly Option<string?> StateFile = new("--state") { HelpName = "FILE", Description = "What this auditor remembers of the log. Default: a file for each log in the user's state folder." };
    private static readonly Option<bool> NoState = new("--no-state") { Description = "Remember nothing, and compare with nothing remembered." };
    private static readonly Option<bool> Restart = new("--restart") { Description = "Begin anew where an audit was broken off." };
    private static readonly Option<bool> Payloads = new("--payloads") { DefaultValueFactory = static _ => true, Description = "Hold texts against their commitments. Default: true." };
    private static readonly Option<int?> Workers = new("--workers") { HelpName = "N", Description = "Parts of the log at once. Default: the processors of this machine." };
    private static readonly Option<double> Tolerance = new("--clock-tolerance") { HelpName = "SECONDS", DefaultValueFactory = static _ => 600, Description = "How far honest clocks may be apart. Default: 600." };

    internal static Command Create(World world) =>
        new Command("audit", "Derive every entry of a log anew from its trace's columns, rebuild the tree, and hold it against the signed checkpoint and against the last audit. Changes nothing. Exit code 0 VERIFIED, 5 something was not checked, 10 findings.")
        {
            Url, HashTiles, Tenant, From, Keys, TrustFile, StateFile, NoState, Restart, Payloads, Workers, Tolerance,
        }.Does(world, RunAsync);

    private static async Task<Answer> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        if (invocation.Get(Url) is { } url)
            return await UrlAudit.RunAsync(await RequestAsync(url, invocation, cancellationToken), invocation, cancellationToken);
        var named = invocation.Get(Tenant);
        if (invocation.Get(HashTiles) is not null)
            throw CommandException.Usage("--hash-tiles goes with --url", "runproof log fsck compares the tiles of a database");
        if (invocation.Get(StateFile) is not null && (named is null || invocation.Get(NoState)))
            throw CommandException.Usage("--state is of one log", named is null ? "give --tenant too" : "and --no-state of none: give the one or the other");
        if (named is null && invocation.Get(From) is not (null or "last"))
            throw CommandException.Usage("--from SIZE is of one log", "give --tenant too, or --from last");
        var trust = await Trust.ReadAsync(invocation.Get(Keys) ?? [], invocation.Get(TrustFile), invocation.World, cancellationToken);
        var audited = await Database.UseAsync(invocation, async source =>
        {
            var audits = new List<LogAuditResult>();
            foreach (var tenant in await Tenants.WithLogsAsync(source, named, cancellationToken))
                audits.Add(await AuditAsync(invocation, source, tenant, trust, cancellationToken));
            return audits;
        });
        if (named is not null && audited is [{ Report: { Origin: null, Findings.Count: 0 } }])
            throw new CommandException(ExitCode.NotFound, "not_found", $"tenant {named} has no log, and nothing that should be in one");
        return LogAuditPage.Of(audited);
    }

    private static async Task<UrlAuditRequest> RequestAsync(string url, Invocation invocation, CancellationToken cancellationToken)
    {
        if (invocation.Get(StateFile) is not null && invocation.Get(NoState))
            throw CommandException.Usage("--state and --no-state: give the one or the other");
        var isLast = invocation.Get(From) is "last";
        long? from = null;
        if (invocation.Get(From) is { } text && !isLast)
            from = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw CommandException.Usage($"--from {text} is neither a size nor last");
        return new UrlAuditRequest
        {
            Url = url,
            Tenant = invocation.Get(Tenant),
            Trust = await Trust.ReadAsync(invocation.Get(Keys) ?? [], invocation.Get(TrustFile), invocation.World, cancellationToken),
            From = from,
            IsFromLast = isLast,
            StateFile = invocation.Get(StateFile),
            IsRemembered = !invocation.Get(NoState),
            IsAnew = invocation.Get(Restart),
            ClockTolerance = ToleranceOf(invocation),
            HashTiles = invocation.Get(HashTiles) switch { "none" => TileChecks.None, "sample" => TileChecks.Sample, _ => TileChecks.All },
        };
    }

    private static TimeSpan ToleranceOf(Invocation invocation)
    {
        var tolerance = invocation.Get(Tolerance);
        return tolerance >= 0 && tolerance <= TimeSpan.FromDays(36500).TotalSeconds ? TimeSpan.FromSeconds(tolerance) : throw CommandException.Usage("--clock-tolerance is a number of seconds, 0 or more");
    }

    private static async Task<LogAuditResult> AuditAsync(Invocation invocation, NpgsqlDataSource source, TenantId tenant, Trust trust, CancellationToken cancellationToken)
    {
        var (world, reader) = (invocation.World, new PostgresLogReader(source));
        try
        {
            var origin = (await reader.FindAsync(tenant, cancellationToken))?.Origin;
            using var state = origin is null || invocation.Get(NoState) ? null : AuditStateFile.Open(invocation.Get(StateFile) ?? AuditStateFile.DefaultPath(origin, world.Variable), origin);
            var (prior, from) = PriorOf(invocation, state?.State);
            var options = OptionsOf(invocation, trust, origin, from);
            var meter = new AuditMeter(world, tenant, prior?.Progress);
            try
            {
                var report = await LogAudit.RunAsync(
                    new PostgresAuditSource(source), reader, new PostgresEvidenceStore(source), tenant, prior, options, world.Clock, meter.Tick, state is null ? null : state.Save, cancellationToken);
                meter.End();
                if (report.Next is { } next)
                    state?.Save(next);
                return new LogAuditResult(tenant, report, trust.Source, state?.Path, report.Next is not null && state is not null, meter.Elapsed, meter.StepsHere(report.Counts.Steps), prior?.Progress?.Position);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                meter.End();
                if (state is not null)
                    await world.Terminal.Error.WriteLineAsync("runproof: interrupted; run it again to go on" + (state.State.Progress is { } progress ? string.Create(CultureInfo.InvariantCulture, $" from entry {progress.Position}") : ""));
                throw;
            }
        }
        catch (AuditStateException problem)
        {
            throw new CommandException(ExitCode.Usage, "audit_state", problem.Message);
        }
        catch (ArgumentException problem)
        {
            throw CommandException.Usage(problem.Message);
        }
        catch (LogStoreException problem)
        {
            throw problem.InnerException is NpgsqlException driver ? Database.Explain(Database.ConnectionOf(invocation), driver) : new CommandException(ExitCode.Error, "log_unreadable", problem.Message);
        }
        catch (PlatformNotSupportedException problem)
        {
            throw new CommandException(ExitCode.Error, "unsupported", problem.Message);
        }
    }

    /// <summary>What is remembered, without what the command line makes void; and where to begin.</summary>
    private static (AuditState? Prior, long From) PriorOf(Invocation invocation, AuditState? state)
    {
        var clean = state?.Audited?.CleanSize ?? 0;
        long? from = invocation.Get(From) switch
        {
            null => null,
            "last" => clean,
            var text when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) => number,
            var text => throw CommandException.Usage($"--from {text} is neither a size nor last"),
        };
        var isVoid = invocation.Get(Restart) || (from is not null && state?.Progress?.From != from);
        return (isVoid && state is not null ? state with { Progress = null } : state, from ?? 0);
    }

    private static AuditOptions OptionsOf(Invocation invocation, Trust trust, string? origin, long from)
    {
        // Of all logs some may be other operators' keys; of the one that was named, none is a mistake.
        var keys = trust.Keys.Where(key => key.Key.Name == origin).ToList();
        if (invocation.Get(Tenant) is not null && origin is not null && keys.Count == 0 && trust.Keys.Count > 0)
            throw CommandException.Usage($"{trust.Source} gives no key of the log {origin}", "the name in a verifier key is its log's origin: " + string.Join(", ", trust.Keys.Select(static key => key.Key.Name).Distinct()));
        return new AuditOptions
        {
            Payloads = invocation.Get(Payloads),
            From = from,
            Workers = invocation.Get(Workers) ?? Math.Clamp(Environment.ProcessorCount, 1, 64),
            ClockTolerance = ToleranceOf(invocation),
            Keys = keys,
            Quorum = trust.Quorum,
            VerifierOf = invocation.World.VerifierOf,
        };
    }
}

/// <summary>What came of one log's audit.</summary>
/// <param name="Tenant">Whose it is.</param>
/// <param name="Report">What was found.</param>
/// <param name="TrustSource">Where keys were given; null where none were.</param>
/// <param name="StateFile">The auditor's memory; null for none.</param>
/// <param name="IsRemembered">Whether the checkpoint is now in it.</param>
/// <param name="Elapsed">How long it took.</param>
/// <param name="StepsHere">Steps that were recomputed in that time, without those before an interruption.</param>
/// <param name="ResumedAt">Where it went on; null where it began.</param>
internal sealed record LogAuditResult(TenantId Tenant, AuditReport Report, string? TrustSource, string? StateFile, bool IsRemembered, TimeSpan Elapsed, long StepsHere, long? ResumedAt);

/// <summary>Says on standard error how far an audit is, and how fast.</summary>
internal sealed class AuditMeter(World world, TenantId tenant, AuditProgress? resumed)
{
    private readonly ProgressLine _line = new(world.Terminal, world.Clock);
    private readonly long _began = world.Clock.GetTimestamp();
    private readonly long _steps = resumed?.Counts.GetValueOrDefault("steps") ?? 0;

    internal TimeSpan Elapsed => world.Clock.GetElapsedTime(_began);

    internal long StepsHere(long steps) => Math.Max(0, steps - _steps);

    internal void Tick(AuditTick tick) => _line.Say(() =>
    {
        var share = tick.Size == 0 ? 1 : (double)tick.Position / tick.Size;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{tenant}: entry {tick.Position:N0} of {tick.Size:N0} ({share:P0}), {tick.Counts.Steps:N0} steps, {StepsHere(tick.Counts.Steps) / Math.Max(Elapsed.TotalSeconds, 0.001):N0} steps/s, {tick.Findings:N0} findings");
    });

    internal void End() => _line.End();
}
