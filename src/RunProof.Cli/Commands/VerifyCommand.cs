using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Verification;

namespace RunProof.Cli;

/// <summary><c>verify FILE</c>: what a stranger does with a proof. No server, no database, no network.</summary>
internal static class VerifyCommand
{
    /// <summary>Findings on a page; a program gets up to <see cref="MaxFindings"/>. The rest is counted.</summary>
    private const int FindingsShown = 25;

    private const int MaxFindings = 1_000;

    private static readonly Argument<string> Evidence = new("FILE")
    {
        Description = "A proof bundle (.runproof.json), a step file, a DSSE envelope, a tlog-proof, a signed checkpoint or a fork proof, told apart by content; - is standard input.",
    };

    private static readonly Option<string[]> Keys = new("--key") { HelpName = "VKEY", Description = "The log's verifier key, from elsewhere than the file; again for each." };

    private static readonly Option<string?> TrustFile = new("--trust")
    {
        HelpName = "FILE", Description = "Verifier keys, a line each, or a tlog-policy, whose witness quorum is then checked too.",
    };

    private static readonly Option<string?> EntryFile = new("--entry") { HelpName = "FILE", Description = "For a tlog-proof: the entry, its exact bytes." };

    private static readonly Option<string?> PayloadDir = new("--payload-dir")
    {
        HelpName = "DIR", Description = "Payloads that the file withholds: <commitment>.json each, {\"salt\":…,\"text\":…} as in a bundle.",
    };

    internal static Command Create(World world) =>
        new Command("verify", "Verify a file of evidence, with no server, database or network. Exit code 0 VERIFIED, 2 unreadable, 5 UNSUPPORTED, 10 FAILED.") { Evidence, Keys, TrustFile, EntryFile, PayloadDir }
            .Does(world, RunAsync);

    private static async Task<Answer> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var (world, file) = (invocation.World, invocation.Get(Evidence));
        var trust = await Trust.ReadAsync(invocation.Get(Keys) ?? [], invocation.Get(TrustFile), world, cancellationToken);
        var options = new BundleOptions
        {
            TrustedKeys = trust.Keys,
            Quorum = trust.Quorum,
            VerifierOf = world.VerifierOf,
            Withheld = PayloadFolder.Open(invocation.Get(PayloadDir)),
            MaxFindings = MaxFindings,
        };
        var bytes = await InputFile.ReadAsync(file, world, cancellationToken);
        var kind = EvidenceFile.Recognise(file, bytes);
        var entry = await EntryAsync(kind, invocation, cancellationToken);
        var found = FileVerification.Of(kind, bytes, entry, options);
        var key = KeyOf(found, trust);
        return new Answer(ToJson(file, found, key), page => Write(page, found, key), RunProofCommand.ExitCodeOf(found.Report.Verdict.Name));
    }

    private static async Task<byte[]?> EntryAsync(EvidenceKind kind, Invocation invocation, CancellationToken cancellationToken)
    {
        var file = invocation.Get(EntryFile);
        if (kind is EvidenceKind.TlogProof)
            return file is null ? throw CommandException.Usage("a tlog-proof proves an entry: which one?", "--entry FILE") : await InputFile.ReadAsync(file, invocation.World, cancellationToken, ushort.MaxValue + 1);
        return file is null ? null : throw CommandException.Usage($"--entry goes with a tlog-proof, and this is a {EvidenceFile.Name(kind)}");
    }

    /// <summary>What was relied on: a key from elsewhere, or nothing better than the file's own word.</summary>
    private static ReliedOn KeyOf(FileVerification found, Trust trust)
    {
        if (found.Report.SignedBy is { } key)
            return new ReliedOn(key.ToString(), trust.Source, IsIndependent: true, $"{key} ({trust.Source})");
        if (trust.Keys.Count > 0)
            return new ReliedOn(null, trust.Source, IsIndependent: true, $"none: no checkpoint here is signed by what {trust.Source} gives");
        return new ReliedOn(null, null, IsIndependent: false, "none that is independent: give the log's key with --key or --trust");
    }

    private static JsonObject ToJson(string file, FileVerification found, ReliedOn key)
    {
        var report = found.Report;
        var facts = new JsonObject();
        foreach (var (name, value) in found.Facts)
            facts[name] = value;
        var failure = report.Verdict.Status is VerificationStatus.Verified ? null : report.Findings.FirstOrDefault();
        return new JsonObject
        {
            ["file"] = file,
            ["kind"] = EvidenceFile.Name(found.Kind),
            ["verification_status"] = report.Verdict.Name,
            ["failure_code"] = failure?.Code,
            ["failure_reason"] = failure?.Message,
            ["subject"] = facts,
            ["relied_on"] = new JsonObject { ["key"] = key.Key, ["source"] = key.Source, ["independent"] = key.IsIndependent },
            ["checkpoint"] = report.Checkpoint is { } head ? new JsonObject { ["origin"] = head.Origin, ["size"] = head.Size, ["root"] = Convert.ToBase64String(head.Root.Span) } : null,
            ["cosigners"] = new JsonArray([.. report.Cosigners.Select(static name => (JsonNode)name)]),
            ["checks"] = new JsonArray([.. report.Checks.Select(static check => new JsonObject { ["name"] = check.Name, ["status"] = StatusOf(check), ["detail"] = check.Detail })]),
            ["findings"] = new JsonArray([.. report.Findings.Select(static finding => new JsonObject { ["code"] = finding.Code, ["place"] = finding.Place, ["message"] = finding.Message })]),
            ["findings_omitted"] = report.FindingsOmitted,
        };
    }

    private static void Write(Page page, FileVerification found, ReliedOn key)
    {
        var report = found.Report;
        page.Line(RunProofCommand.ToneOf(report.Verdict.Name), $"{report.Verdict.Name}  {found.Subject}");
        page.Fields([.. found.Facts.Select(static fact => (fact.Name.Replace('_', ' '), fact.Value?.ToString())), ("relied on", key.Words)]);
        page.Line();
        page.Table(["CHECK", "RESULT", "DETAIL"], [.. report.Checks.Select(static check => new Cell[] { check.Name, new(StatusOf(check).Replace('_', ' '), RunProofCommand.ToneOf(StatusOf(check))), check.Detail })], "no checks were made");
        if (report.Findings.Count == 0)
            return;
        page.Line();
        page.Table(["FINDING", "PLACE", "MESSAGE"], [.. report.Findings.Take(FindingsShown).Select(static finding => new Cell[] { finding.Code, finding.Place, finding.Message })], "");
        var more = report.Findings.Count - Math.Min(report.Findings.Count, FindingsShown) + report.FindingsOmitted;
        if (more > 0)
            page.Line(string.Create(CultureInfo.InvariantCulture, $"… and {more} more"));
    }

    private static string StatusOf(Check check) => check.Status switch
    {
        CheckStatus.Passed => "passed",
        CheckStatus.Failed => "failed",
        _ => "not_done",
    };

    private sealed record ReliedOn(string? Key, string? Source, bool IsIndependent, string Words);
}
