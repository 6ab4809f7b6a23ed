namespace RunProof.Cli;

/// <summary>
/// Does what AOS's gap validation did, and what it left out: creates real runs through the API, reads everything back from the database, has the verifier
/// prove it, proves it a second and a third time, and then changes copies of the evidence in every way it knows and expects each change to be found.
/// </summary>
internal static class Validation
{
    /// <summary>Validates.</summary>
    /// <param name="scene">What to look at.</param>
    /// <param name="cancellationToken">Ctrl-C.</param>
    /// <returns>The report, whatever was found.</returns>
    internal static async Task<ValidationReport> RunAsync(Scene scene, CancellationToken cancellationToken)
    {
        var startedAt = scene.Clock.GetUtcNow();
        await Surroundings.LookAsync(scene, cancellationToken);
        await StaticChecks.LookAsync(scene, cancellationToken);
        await RealRun.CreateAsync(scene, cancellationToken);
        await ProofChapter.LookAsync(scene, cancellationToken);
        await RecordedEvidence.LookAsync(scene, cancellationToken);
        await TamperedEvidence.LookAsync(scene, cancellationToken);
        await SideRecords.LookAsync(scene, cancellationToken);
        return scene.Report(startedAt);
    }
}
