using System.CommandLine;
using System.Text.Json.Nodes;

namespace RunProof.Cli;

/// <summary><c>doctor</c>.</summary>
internal static class DoctorCommand
{
    internal static Command Create(World world) =>
        new Command("doctor", "Look at every precondition and say what to do about those that fail. Exit code 1 where one does.").Does(world, RunAsync);

    private static async Task<Answer> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var diagnoses = await invocation.World.Terminal.WhileAsync("looking", () => LookAsync(invocation, cancellationToken));
        var document = new JsonObject
        {
            ["healthy"] = diagnoses.TrueForAll(diagnosis => diagnosis.Status != DiagnosisStatus.Failed),
            ["checks"] = new JsonArray([.. diagnoses.Select(Json)]),
        };
        var failed = diagnoses.Count(diagnosis => diagnosis.Status == DiagnosisStatus.Failed);
        return new Answer(document, page => Write(page, diagnoses, failed), failed == 0 ? ExitCode.Ok : ExitCode.Error);
    }

    private static async Task<List<Diagnosis>> LookAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var diagnoses = new List<Diagnosis> { MachineChecks.Runtime() };
        var database = await DatabaseChecks.LookAsync(invocation, cancellationToken);
        diagnoses.AddRange(database);
        diagnoses.AddRange(await ServiceChecks.LookAsync(invocation, "runner", Services.Runner, cancellationToken));
        diagnoses.AddRange(await ServiceChecks.LookAsync(invocation, "verifier", Services.Verifier, cancellationToken));
        diagnoses.Add(await MachineChecks.EmbeddedPostgresAsync(database[0].Status == DiagnosisStatus.Ok, cancellationToken));
        diagnoses.Add(await MachineChecks.TelemetryAsync(invocation.World, cancellationToken));
        return diagnoses;
    }

    private static void Write(Page page, List<Diagnosis> diagnoses, int failed)
    {
        page.Table(
            ["CHECK", "STATUS", "OBSERVED"],
            [.. diagnoses.Select(diagnosis => new Cell[] { diagnosis.Name, new(Word(diagnosis.Status), ToneOf(diagnosis.Status)), diagnosis.Observed })],
            "nothing was looked at");
        foreach (var diagnosis in diagnoses.Where(diagnosis => diagnosis.Status == DiagnosisStatus.Failed))
            page.Line($"{diagnosis.Name}: {diagnosis.Remedy}");
        page.Line(failed == 0 ? Tone.Good : Tone.Bad, failed == 0 ? "ready" : FormattableString.Invariant($"{failed} to be seen to"));
    }

    private static JsonObject Json(Diagnosis diagnosis) => new()
    {
        ["name"] = diagnosis.Name, ["status"] = Word(diagnosis.Status), ["observed"] = diagnosis.Observed, ["remedy"] = diagnosis.Remedy,
    };

    private static string Word(DiagnosisStatus status) => status switch
    {
        DiagnosisStatus.Ok => "ok",
        DiagnosisStatus.Failed => "failed",
        _ => "skipped",
    };

    private static Tone ToneOf(DiagnosisStatus status) => status switch
    {
        DiagnosisStatus.Ok => Tone.Good,
        DiagnosisStatus.Failed => Tone.Bad,
        _ => Tone.Quiet,
    };
}
