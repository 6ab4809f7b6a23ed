using RunProof.Format;

namespace RunProof.Skills;

/// <summary>A file that skills were loaded from while the process began: it goes into the context of every trace.</summary>
/// <param name="File">Its name inside the folder of skills, with <c>/</c>.</param>
/// <param name="Digest">SHA-256 of its bytes, the very ones that were loaded.</param>
/// <param name="Skills">The skills that it brought; none for a library that another file needs.</param>
public sealed record SkillAssembly(string File, Digest Digest, IReadOnlyList<string> Skills);
