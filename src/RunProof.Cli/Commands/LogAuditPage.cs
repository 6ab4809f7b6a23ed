using System.Globalization;
using System.Text.Json.Nodes;
using RunProof.Ledger;
using RunProof.Verification;

namespace RunProof.Cli;

/// <summary>What audits of logs found, for people and for programs.</summary>
internal static class LogAuditPage
{
    private const int FindingsShown = 25;

    internal static Answer Of(IReadOnlyList<LogAuditResult> audits)
    {
        var worst = audits.Count == 0 ? VerificationStatus.Unsupported : audits.Select(static audit => audit.Report.Status).MaxBy(RankOf);
        var document = new JsonObject { ["verification_status"] = NameOf(worst), ["logs"] = new JsonArray([.. audits.Select(ToJson)]) };
        return new Answer(document, page => Write(page, audits), RunProofCommand.ExitCodeOf(NameOf(worst)));
    }

    private static int RankOf(VerificationStatus status) => status switch
    {
        VerificationStatus.Failed => 2,
        VerificationStatus.Unsupported => 1,
        _ => 0,
    };

    private static string NameOf(VerificationStatus status) => status switch
    {
        VerificationStatus.Failed => "FAILED",
        VerificationStatus.Verified => "VERIFIED",
        _ => "UNSUPPORTED",
    };

    private static string NameOf(CheckStatus status) => status switch
    {
        CheckStatus.Passed => "passed",
        CheckStatus.Failed => "failed",
        _ => "not_done",
    };

    private static JsonNode ToJson(LogAuditResult audit)
    {
        var report = audit.Report;
        var counts = new JsonObject();
        foreach (var (name, count) in report.Counts.ToDictionary())
            counts[name] = count;
        var byCode = new JsonObject();
        foreach (var (code, count) in report.Findings.Counts)
            byCode[code] = count;
        return new JsonObject
        {
            ["tenant_id"] = audit.Tenant.Value,
            ["origin"] = report.Origin,
            ["verification_status"] = NameOf(report.Status),
            ["checkpoint"] = report.Checkpoint is { } head ? new JsonObject { ["origin"] = head.Origin, ["size"] = head.Size, ["root"] = ProofText.Of(head.Root) } : null,
            ["from"] = report.From,
            ["size"] = report.Size,
            ["root"] = ProofText.Of(report.Root),
            ["relied_on"] = new JsonObject { ["key"] = report.Key, ["source"] = audit.TrustSource, ["independent"] = report.IsKeyIndependent },
            ["counts"] = counts,
            ["quarantined"] = report.Quarantined,
            ["checks"] = new JsonArray([.. report.Checks.Select(static check => new JsonObject { ["name"] = check.Name, ["status"] = NameOf(check.Status), ["detail"] = check.Detail })]),
            ["findings"] = new JsonArray([.. report.Findings.Kept.Select(static finding => new JsonObject
            {
                ["code"] = finding.Code, ["position"] = finding.Position, ["trace_id"] = finding.TraceId, ["place"] = finding.Place, ["message"] = finding.Message,
            })]),
            ["findings_total"] = report.Findings.Count,
            ["findings_by_code"] = byCode,
            ["state"] = audit.StateFile is null ? null : new JsonObject { ["file"] = audit.StateFile, ["remembered"] = audit.IsRemembered, ["resumed_at"] = audit.ResumedAt },
            ["elapsed_seconds"] = Math.Round(audit.Elapsed.TotalSeconds, 3),
            ["steps_per_second"] = Math.Round(audit.StepsHere / Math.Max(audit.Elapsed.TotalSeconds, 0.001)),
        };
    }

    private static void Write(Page page, IReadOnlyList<LogAuditResult> audits)
    {
        if (audits.Count == 0)
            page.Line("no tenant has a log");
        for (var i = 0; i < audits.Count; i++)
        {
            if (i > 0)
                page.Line();
            Write(page, audits[i]);
        }
    }

    private static void Write(Page page, LogAuditResult audit)
    {
        var (report, name) = (audit.Report, NameOf(audit.Report.Status));
        page.Line(RunProofCommand.ToneOf(name), $"{name}  {report.Origin ?? audit.Tenant.Value}");
        page.Fields(
            ("entries", report.From == 0 ? Number(report.Size) : $"{Number(report.From)} to {Number(report.Size)}"),
            ("traces", Number(report.Counts.Traces)),
            ("steps", string.Create(CultureInfo.InvariantCulture, $"{report.Counts.Steps:N0} ({audit.StepsHere / Math.Max(audit.Elapsed.TotalSeconds, 0.001):N0} a second)")),
            ("root", ProofText.Of(report.Root)),
            ("relied on", report.Key is null ? "none: nothing that was given signed the checkpoint" : report.Key + (report.IsKeyIndependent ? audit.TrustSource is { } source ? $" ({source})" : " (the last audit's)" : ", which is not independent")),
            ("resumed at", audit.ResumedAt is { } at ? "entry " + Number(at) : null),
            ("state", audit.StateFile is null ? "none is kept" : audit.StateFile + (audit.IsRemembered ? "" : ": not changed")));
        page.Line();
        page.Table(["CHECK", "RESULT", "DETAIL"], [.. report.Checks.Select(static check => new Cell[] { check.Name, new(NameOf(check.Status).Replace('_', ' '), RunProofCommand.ToneOf(NameOf(check.Status))), check.Detail })], "no checks were made");
        if (report.Findings.Count == 0)
            return;
        page.Line();
        page.Table(["FINDINGS", "COUNT"], [.. report.Findings.Counts.Select(static each => new Cell[] { each.Key, Number(each.Value) })], "");
        page.Line();
        foreach (var finding in report.Findings.Kept.Take(FindingsShown))
            page.Line(Tone.Bad, $"{finding.Code}  {finding.Message}");
        if (report.Findings.Count > FindingsShown)
            page.Line($"… and {Number(report.Findings.Count - FindingsShown)} more (--json has up to {Number(AuditFindings.MostKept)})");
    }

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
