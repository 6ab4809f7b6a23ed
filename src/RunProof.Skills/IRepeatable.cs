namespace RunProof.Skills;

/// <summary>
/// Says of a skill class, call by call, whether executing it twice under one <see cref="SkillContext.IdempotencyKey"/> does no more than executing it once:
/// a request that reads, say, but not one that pays. For a skill whose every call may be repeated, <see cref="SkillAttribute.Idempotent"/> says so.
/// </summary>
/// <typeparam name="TParameters">The parameters of its <c>ExecuteAsync</c>.</typeparam>
public interface IRepeatable<in TParameters>
{
    /// <summary>Whether a call that a crash hid may be made again. It must depend on the parameters alone, and not throw.</summary>
    /// <param name="parameters">The call.</param>
    /// <returns>True where it may.</returns>
    static abstract bool MayRepeat(TParameters parameters);
}
