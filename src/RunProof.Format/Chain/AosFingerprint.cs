using System.Globalization;
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
        var text = new StringBuilder(run);
        foreach (var (index, skill, status) in steps)
            text.Append(CultureInfo.InvariantCulture, $"{index}:{skill}:{Spell(status)}");
        return Digest.Of(Encoding.UTF8.GetBytes(text.ToString()));
    }

    private static string Spell(StepStatus status) => status switch
    {
        StepStatus.Succeeded => "success",
        StepStatus.Retrying => "retry",
        StepStatus.Skipped => "skipped",
        _ => "failure",
    };
}
