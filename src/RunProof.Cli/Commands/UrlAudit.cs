using System.Globalization;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Verification;

namespace RunProof.Cli;

/// <summary>What <c>log audit --url</c> was asked for.</summary>
internal sealed record UrlAuditRequest
{
    /// <summary>The log's prefix, or a service's URL where a tenant is named.</summary>
    internal required string Url { get; init; }

    /// <summary>The tenant; null where the URL is the log's.</summary>
    internal required string? Tenant { get; init; }

    /// <summary>The keys.</summary>
    internal required Trust Trust { get; init; }

    /// <summary>Where to begin; null for the beginning.</summary>
    internal required long? From { get; init; }

    /// <summary>Whether to begin where the last audit ended.</summary>
    internal required bool IsFromLast { get; init; }

    /// <summary>The state file; null for the default.</summary>
    internal required string? StateFile { get; init; }

    /// <summary>Whether anything is remembered.</summary>
    internal required bool IsRemembered { get; init; }

    /// <summary>Whether to begin anew where an audit was broken off.</summary>
    internal required bool IsAnew { get; init; }

    /// <summary>How far honest clocks may be apart.</summary>
    internal required TimeSpan ClockTolerance { get; init; }

    /// <summary>Which hash tiles are compared.</summary>
    internal required TileChecks HashTiles { get; init; }
}

/// <summary><c>log audit --url</c>: as anybody who does not trust us would, from what the log serves.</summary>
internal static class UrlAudit
{
    private const int Shown = 25;

    internal static async Task<Answer> RunAsync(UrlAuditRequest request, Invocation invocation, CancellationToken cancellationToken)
    {
        var world = invocation.World;
        var log = HttpTiledLog.Open(request.Url, request.Tenant, invocation);
        try
        {
            var head = await OutsideAudit.ReadHeadAsync(log, cancellationToken);
            var origin = head.Checkpoint.Origin;
            using var state = request.IsRemembered ? AuditStateFile.Open(request.StateFile ?? AuditStateFile.DefaultPath(NameOf(request.Trust, log), world.Variable), origin) : null;
            var report = await AuditAsync(request, log, head, state, world, cancellationToken);
            if (report.Next is { } next)
                state?.Save(next);
            var remembered = report.Next is null ? null : state?.Path;
            return new Answer(ToJson(report, log, remembered), page => Write(page, report, request, remembered), RunProofCommand.ExitCodeOf(Name(report.Status)));
        }
        catch (TiledLogException problem)
        {
            throw new CommandException(ExitCode.Error, "log_unreachable", problem.Message, "is that where the log is, checkpoint and tile/… below it? What was read so far is remembered: run it again to go on");
        }
        catch (AuditStateException problem)
        {
            throw new CommandException(ExitCode.Error, "audit_state", problem.Message, "--state FILE names another file, --no-state none");
        }
        catch (PlatformNotSupportedException problem)
        {
            throw new CommandException(ExitCode.Error, "unsupported", problem.Message);
        }
    }

    private static async Task<OutsideReport> AuditAsync(
        UrlAuditRequest request, HttpTiledLog log, (SignedNote Note, Checkpoint Checkpoint) head, AuditStateFile? state, World world, CancellationToken cancellationToken)
    {
        var prior = state?.State ?? new AuditState { Origin = head.Checkpoint.Origin };
        var from = request.IsFromLast ? Math.Min(prior.Audited?.Size ?? 0, head.Checkpoint.Size) : request.From;
        if (from > head.Checkpoint.Size)
            throw CommandException.Usage(string.Create(CultureInfo.InvariantCulture, $"--from {from}: the log has {head.Checkpoint.Size} entries"));
        // What was only seen is kept for comparing; where it broke off is not gone on from.
        if (request.IsAnew && prior.Progress is { } progress)
            prior = prior with { Progress = progress with { Kind = "begun anew" } };
        var options = new OutsideOptions
        {
            From = from, Keys = request.Trust.Keys, Quorum = request.Trust.Quorum, VerifierOf = world.VerifierOf, HashTiles = request.HashTiles, ClockTolerance = request.ClockTolerance,
        };
        var (line, began) = (new ProgressLine(world.Terminal, world.Clock), world.Clock.GetTimestamp());
        long? first = null;
        try
        {
            return await OutsideAudit.RunAsync(log, head, prior, options, world.Clock, state is null ? null : state.Save, Tick, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            line.End();
            if (state?.State.Progress is { } reached)
                await world.Terminal.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"runproof: interrupted; run it again to go on from entry {reached.Position}"));
            throw;
        }
        finally
        {
            line.End();
        }

        void Tick(OutsideTick tick)
        {
            first ??= tick.Position;
            line.Say(() => string.Create(
                CultureInfo.InvariantCulture,
                $"{head.Checkpoint.Origin}: entry {tick.Position:N0} of {tick.Size:N0} ({(double)tick.Position / tick.Size:P0}), {(tick.Position - first) / Math.Max(world.Clock.GetElapsedTime(began).TotalSeconds, 0.001):N0} entries/s, {tick.Findings:N0} findings"));
        }
    }

    /// <summary>What the state is kept under: the log that was asked for, by its key's name or by its URL, not the one that answered.</summary>
    private static string NameOf(Trust trust, HttpTiledLog log)
    {
        string[] names = [.. trust.Keys.Select(static key => key.Key.Name).Distinct()];
        return names.Length == 1 ? names[0] : log.Prefix.ToString();
    }

    private static string Name(VerificationStatus status) => status switch
    {
        VerificationStatus.Verified => "VERIFIED",
        VerificationStatus.Failed => "FAILED",
        _ => "UNSUPPORTED",
    };

    private static JsonObject ToJson(OutsideReport report, HttpTiledLog log, string? state) => new()
    {
        ["verification_status"] = Name(report.Status),
        ["logs"] = new JsonArray(ToLog(report, log, state)),
    };

    private static JsonObject ToLog(OutsideReport report, HttpTiledLog log, string? state) => new()
    {
        ["url"] = log.Prefix.ToString(),
        ["verification_status"] = Name(report.Status),
        ["checkpoint"] = new JsonObject { ["origin"] = report.Origin, ["size"] = report.Checkpoint.Size, ["root"] = ProofText.Of(report.Checkpoint.Root) },
        ["from"] = report.From,
        ["root"] = report.Root is { } root ? ProofText.Of(root) : null,
        ["relied_on"] = new JsonObject { ["key"] = report.Key, ["independent"] = report.IsKeyIndependent },
        ["cosigners"] = new JsonArray([.. report.Cosigners.Select(static name => (JsonNode)name)]),
        ["counts"] = new JsonObject
        {
            ["entries"] = report.Counts.Entries, ["opened"] = report.Counts.Opened, ["sealed"] = report.Counts.Sealed, ["rotated"] = report.Counts.Rotated,
            ["foreign"] = report.Counts.Foreign, ["unread"] = report.Counts.Unread, ["unpaired"] = report.Counts.Unpaired, ["hash_tiles"] = report.Counts.Tiles, ["open"] = report.OpenCount,
        },
        ["open"] = new JsonArray([.. report.Open.Select(static open => new JsonObject { ["trace_id"] = open.TraceId, ["position"] = open.Position })]),
        ["checks"] = new JsonArray([.. report.Checks.Select(static check => new JsonObject { ["name"] = check.Name, ["status"] = StatusOf(check), ["detail"] = check.Detail })]),
        ["findings"] = new JsonArray([.. report.Findings.Kept.Select(static finding => new JsonObject
        {
            ["code"] = finding.Code, ["position"] = finding.Position, ["trace_id"] = finding.TraceId, ["place"] = finding.Place, ["message"] = finding.Message,
        })]),
        ["findings_by_code"] = new JsonObject(report.Findings.Counts.Select(static count => KeyValuePair.Create(count.Key, (JsonNode?)count.Value))),
        ["findings_omitted"] = report.Findings.Count - report.Findings.Kept.Count,
        ["state_file"] = state,
    };

    private static void Write(Page page, OutsideReport report, UrlAuditRequest request, string? state)
    {
        var name = Name(report.Status);
        page.Line(RunProofCommand.ToneOf(name), $"{name}  {report.Origin}");
        page.Fields(
            ("entries", Number(report.Checkpoint.Size)),
            ("root", ProofText.Of(report.Checkpoint.Root)),
            ("read from", report.From == 0 ? null : Number(report.From)),
            ("relied on", report.Key is null ? "no key" : report.IsKeyIndependent ? $"{report.Key} ({request.Trust.Source ?? "of an earlier audit, which was given it"})" : $"{report.Key}, which only the log names: not independent"),
            ("remembered", state ?? (request.IsRemembered ? "nothing: what was remembered stays as it is" : "nothing, as asked")));
        page.Line();
        page.Table(["CHECK", "RESULT", "DETAIL"], [.. report.Checks.Select(static check => new Cell[] { check.Name, new(StatusOf(check).Replace('_', ' '), RunProofCommand.ToneOf(StatusOf(check))), check.Detail })], "");
        if (report.Findings.Count > 0)
        {
            page.Line();
            page.Table(["FINDING", "PLACE", "MESSAGE"], [.. report.Findings.Kept.Take(Shown).Select(static finding => new Cell[] { finding.Code, finding.Place, finding.Message })], "");
            More(page, report.Findings.Count);
        }

        if (report.OpenCount == 0)
            return;
        page.Line();
        page.Table(["OPEN TRACE", "OPENED BY ENTRY"], [.. report.Open.Take(Shown).Select(static open => new Cell[] { open.TraceId, Number(open.Position) })], "");
        More(page, report.OpenCount);
    }

    private static void More(Page page, long count)
    {
        if (count > Shown)
            page.Line(string.Create(CultureInfo.InvariantCulture, $"… and {count - Shown} more"));
    }

    private static string StatusOf(AuditCheck check) => check.Status switch
    {
        CheckStatus.Passed => "passed",
        CheckStatus.Failed => "failed",
        _ => "not_done",
    };

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
