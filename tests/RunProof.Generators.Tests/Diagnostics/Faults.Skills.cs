namespace RunProof.Generators.Tests.Diagnostics;

internal static partial class Faults
{
    private static readonly (string Id, string Source, string Message)[] OfSkills =
    [
        ("RP0401", "[Skill(\"s\")] public sealed class ⟦S⟧ { }", "'S' cannot be a skill: it is not partial: declare it 'partial class'"),
        ("RP0401", "[Skill(\"s\")] public static partial class ⟦S⟧ { }", "'S' cannot be a skill: it is a static class: put [Skill] on its method"),
        ("RP0401", "[Skill(\"s\")] public abstract partial class ⟦S⟧ { }", "'S' cannot be a skill: it is abstract, and nothing can make it: put [Skill] on a class that derives from it"),
        ("RP0401", "[Skill(\"s\")] public partial class ⟦S⟧<T> { }", "'S' cannot be a skill: it is generic, and nothing says of what: declare one for each type argument"),
        ("RP0401", "public partial class Outer { [Skill(\"s\")] private partial class ⟦S⟧ { } }", "'S' cannot be a skill: its descriptor cannot reach it: make it, and what it is in, at least internal"),
        ("RP0401", "public class Outer<T> { [Skill(\"s\")] public partial class ⟦S⟧ { } }", "'S' cannot be a skill: it is inside a generic type: move it out"),
        ("RP0401", "public class C { [Skill(\"s\")] public Task<O> ⟦S⟧(P p, SkillContext c, CancellationToken t) => null!; }", "'S' cannot be a skill: it is a method and not static: make it static, or put [Skill] on its class"),
        ("RP0401", "public static class C { [Skill(\"s\")] public static Task<O> ⟦S⟧<T>(P p, SkillContext c, CancellationToken t) => null!; }", "'S' cannot be a skill: it is generic, and nothing says of what: declare one for each type argument"),
        ("RP0402", "[Skill(\"s\")] public partial class ⟦S⟧ { }", "'S' needs exactly one public method ExecuteAsync(TParameters, SkillContext, CancellationToken): it has none"),
        ("RP0402", "[Skill(\"s\")] public partial class ⟦S⟧ { public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; public Task<O> ExecuteAsync(O p, SkillContext c, CancellationToken t) => null!; }", "'S' needs exactly one public method ExecuteAsync(TParameters, SkillContext, CancellationToken): it has several"),
        ("RP0402", "[Skill(\"s\")] public partial class ⟦S⟧ { public static Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; }", "'S' needs exactly one public method ExecuteAsync(TParameters, SkillContext, CancellationToken): it is static or generic"),
        ("RP0402", "[Skill(\"s\")] public partial class S { public Task<O> ⟦ExecuteAsync⟧(P p, CancellationToken t) => null!; }", "'S' needs exactly one public method ExecuteAsync(TParameters, SkillContext, CancellationToken): its parameters are others"),
        ("RP0402", "public static class C { [Skill(\"s\")] public static Task<O> ⟦S⟧(P p, SkillContext c) => null!; }", "'S' needs exactly the parameters (TParameters, SkillContext, CancellationToken): its parameters are others"),
        ("RP0402", "public class S0 { public Task<O> ExecuteAsync(P p) => null!; } [Skill(\"s\")] public sealed partial class ⟦S⟧ : S0;", "'S' needs exactly one public method ExecuteAsync(TParameters, SkillContext, CancellationToken): its parameters are others"),
        ("RP0403", "[Skill(\"s\")] public partial class S { public ⟦O⟧ ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; }", "'S' returns 'O', and a step needs an outcome: return Task or ValueTask of it, or of SkillResult<TOutcome>"),
        ("RP0403", "[Skill(\"s\")] public partial class S { public ⟦Task<O?>⟧ ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; }", "'S' returns 'Task<O?>', and a step needs an outcome: return Task or ValueTask of it, or of SkillResult<TOutcome>"),
        ("RP0403", "[Skill(\"s\")] public partial class S { public ⟦Task⟧ ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; }", "'S' returns 'Task', and a step needs an outcome: return Task or ValueTask of it, or of SkillResult<TOutcome>"),
        ("RP0404", "[Skill(\"s\")] public partial class S { public Task<O> ExecuteAsync(⟦string⟧ p, SkillContext c, CancellationToken t) => null!; }", "'string', the parameters of skill \"s\", is no [Canonical] record: a step's evidence needs its canonical bytes"),
        ("RP0404", "public sealed record Q; [Skill(\"s\")] public partial class S { public ⟦Task<SkillResult<Q>>⟧ ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; }", "'Q', the outcome of skill \"s\", is no [Canonical] record: a step's evidence needs its canonical bytes"),
        ("RP0404", "public partial class C { [Canonical] private sealed partial record Q(int A); [Skill(\"t\")] internal static Task<O> T(⟦Q⟧ p, SkillContext c, CancellationToken t) => null!; }", "'C.Q', the parameters of skill \"t\", cannot be reached by its descriptor: make it, and what it is in, at least internal"),
        ("RP0404", "public static class C { [Skill(\"t\")] public static ⟦ValueTask<TraceSeal>⟧ T(P p, SkillContext c, CancellationToken t) => default; }", "'TraceSeal', the outcome of skill \"t\", cannot be given as JSON: assembly 'RunProof.Format' was built without RunProof.Skills; reference it there"),
        ("RP0405", "public static class C {\n/// <summary>One.</summary>\n[Skill(\"s\")] public static Task<O> One(P p, SkillContext c, CancellationToken t) => null!;\n/// <summary>Two.</summary>\n[Skill(\"s\", Version = \"2\")] public static Task<O> ⟦Two⟧(P p, SkillContext c, CancellationToken t) => null!; }", "skill \"s\" is declared by 'C.Two' (Fault.cs:7) and by 'C.One' (Fault.cs:5), and a plan names one: give one of them another name"),
        ("RP0406", "[Skill(\"a skill\")] public partial class ⟦S⟧ { }", "\"a skill\" cannot be the name of skill 'S', which stands in plans and evidence: use 1 to 128 of A-Z a-z 0-9 . _ - : / beginning with a letter or digit"),
        ("RP0406", "[Skill(\"s\", Version = \"1 0\")] public partial class ⟦S⟧ { }", "\"1 0\" cannot be the version of skill 'S', which stands in plans and evidence: use 1 to 128 printable ASCII characters without space"),
        ("RP0407", "[Skill(\"s\")] public sealed partial class ⟦S⟧ { public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; }", "skill \"s\" has no doc comment, and planners choose by it: give 'S' a <summary>"),
        ("RP0407", "public static class C {\n/// <remarks>Only a remark.</remarks>\n[Skill(\"s\")] public static Task<O> ⟦Run⟧(P p, SkillContext c, CancellationToken t) => null!; }", "skill \"s\" has no doc comment, and planners choose by it: give 'Run' a <summary>"),
    ];
}
