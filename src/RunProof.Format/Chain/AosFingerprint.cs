using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace RunProof.Format;

/// <summary>
/// The fingerprint that the older AOS printed as a proof (proof-format.md section 7). For comparison only:
/// it covers neither parameters, outcomes nor time, and never makes a run VERIFIED.
/// </summary>
public static class AosFingerprint
{
    /// <summary>H(run_id ‖ for each step "{step_index}:{skill_name}:{s}").</summary>
    /// <param name="run">The run's id, as text: AOS's ids follow no rule.</param>
    /// <param name="steps">The steps in order.</param>
    /// <returns>The fingerprint.</returns>
    public static Digest Of(string run, IEnumerable<(int StepIndex, string SkillName, StepStatus Status)> steps)
    {
        using var fingerprint = new AosFingerprintHasher(run);
        foreach (var (index, skill, status) in steps)
            fingerprint.Append(index, skill, status);
        return fingerprint.Finish();
    }

    internal static string Spell(StepStatus status) => status switch
    {
        StepStatus.Succeeded => "success",
        StepStatus.Retrying => "retry",
        StepStatus.Skipped => "skipped",
        _ => "failure",
    };
}

/// <summary>The same fingerprint over steps that come one by one, in constant memory.</summary>
public sealed class AosFingerprintHasher : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Begins with the run's id.</summary>
    /// <param name="run">The run's id, as text.</param>
    public AosFingerprintHasher(string run) => Append(run);

    /// <summary>Adds the next step.</summary>
    /// <param name="index">Its index.</param>
    /// <param name="skill">Its skill's name.</param>
    /// <param name="status">Its status; AOS spelled it otherwise.</param>
    public void Append(int index, string skill, StepStatus status) =>
        Append(string.Create(CultureInfo.InvariantCulture, $"{index}:{skill}:{AosFingerprint.Spell(status)}"));

    /// <summary>The fingerprint of what was added.</summary>
    /// <returns>The fingerprint.</returns>
    public Digest Finish() => new(_hash.GetHashAndReset());

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();

    private void Append(string text) => _hash.AppendData(Encoding.UTF8.GetBytes(text));
}
