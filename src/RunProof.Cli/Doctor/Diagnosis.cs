namespace RunProof.Cli;

/// <summary>One precondition, and how it is.</summary>
/// <param name="Name">What is looked at.</param>
/// <param name="Status">How it is.</param>
/// <param name="Observed">What was seen.</param>
/// <param name="Remedy">What to do about it; null where nothing need be done.</param>
internal sealed record Diagnosis(string Name, DiagnosisStatus Status, string Observed, string? Remedy = null)
{
    internal static Diagnosis Good(string name, string observed) => new(name, DiagnosisStatus.Ok, observed);

    internal static Diagnosis Bad(string name, string observed, string remedy) => new(name, DiagnosisStatus.Failed, observed, remedy);

    internal static Diagnosis Unneeded(string name, string observed) => new(name, DiagnosisStatus.Skipped, observed);
}

/// <summary>How a precondition is.</summary>
internal enum DiagnosisStatus
{
    /// <summary>As it must be.</summary>
    Ok,

    /// <summary>Not as it must be.</summary>
    Failed,

    /// <summary>Not needed here, or not to be seen because of what failed before it.</summary>
    Skipped,
}
