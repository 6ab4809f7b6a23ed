using RunProof.Format;

namespace RunProof.Skills;

/// <summary>
/// Skills that become known while the process runs, and may change while it runs: the tools of other people's servers. What they are when a run begins is pinned in
/// its trace's context; before each attempt the engine asks the skill whether it still is (<see cref="SkillDescriptor.CheckAsync"/>).
/// </summary>
public interface ISkillSource
{
    /// <summary>The member of contexts under which its pins and evidence stand: lower-case letters, <c>mcp</c>.</summary>
    string Name { get; }

    /// <summary>The skills as they are now. The same object until something changes; never waits.</summary>
    SkillSnapshot Current { get; }
}

/// <summary>The skills of a source at one moment.</summary>
/// <param name="Skills">By name. A name that a compiled skill has is that one's.</param>
/// <param name="Former">Skills that are gone, by name: no plan may name them any more; executing one says what became of it.</param>
/// <param name="Pin">What pins them: a JSON object that goes into the context of each trace that opens now; null where there is nothing to pin.</param>
public sealed record SkillSnapshot(IReadOnlyDictionary<string, SkillDescriptor> Skills, IReadOnlyDictionary<string, SkillDescriptor> Former, CanonicalJson? Pin);

/// <summary>Whether a skill still is what a trace pinned.</summary>
/// <param name="Failure">Why it must not be executed; null where it may.</param>
/// <param name="Evidence">What goes into the step's context under the source's name; null for nothing.</param>
public readonly record struct SkillCheck(SkillFailure? Failure, CanonicalJson? Evidence);
