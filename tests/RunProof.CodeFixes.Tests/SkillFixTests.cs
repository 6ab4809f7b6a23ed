using RunProof.CodeFixes.Tests.Driving;

namespace RunProof.CodeFixes.Tests;

/// <summary>RP04xx: what a skill must be.</summary>
public sealed class SkillFixTests
{
    private const string Usings = "using System.Threading;\nusing System.Threading.Tasks;\nusing RunProof.Format;\nusing RunProof.Skills;\n\n[Canonical] public sealed partial record P(int A);\n[Canonical] public sealed partial record O(int B);\n\n";

    private const string Class = Usings + "/// <summary>Does it.</summary>\n[Skill(\"s\")]\npublic sealed partial class S\n{\n    ";

    private const string Context = "Make it ExecuteAsync(parameters, SkillContext, CancellationToken)";

    [Fact]
    public Task A_skills_class_becomes_partial()
    {
        var after = Class + "public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!;\n}\n";
        return Fixed.Is("RP0401", "Make 'S' partial", after.Replace("partial class", "class", StringComparison.Ordinal), after);
    }

    [Theory]
    [InlineData("public static class S { }")]
    [InlineData("public abstract class S { }")]
    [InlineData("public sealed class S<T> { }")]
    public Task What_no_keyword_makes_a_skill_is_left_alone(string source) => Fixed.IsNotOffered("RP0401", Usings + "[Skill(\"s\")] " + source);

    [Theory]
    [InlineData("public Task<O> ExecuteAsync(P p)", "public Task<O> ExecuteAsync(P p, SkillContext context, CancellationToken cancellationToken)", Context)]
    [InlineData("public Task<O> ExecuteAsync(P p, CancellationToken stop = default)", "public Task<O> ExecuteAsync(P p, SkillContext context, CancellationToken stop = default)", Context)]
    [InlineData("public Task<O> ExecuteAsync(P context, SkillContext c)", "public Task<O> ExecuteAsync(P context, SkillContext c, CancellationToken cancellationToken)", Context)]
    [InlineData("public Task<O> ExecuteAsync(P context)", "public Task<O> ExecuteAsync(P context, SkillContext skillContext, CancellationToken cancellationToken)", Context)]
    [InlineData("public Task<O> ExecuteAsync(CancellationToken t, SkillContext c, P p)", "public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t)", Context)]
    [InlineData("public Task<O> ExecuteAsync(in P p, SkillContext c, CancellationToken t)", "public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t)", Context)]
    [InlineData("public Task<O> ExecuteAsync(\n        P p, // given\n        CancellationToken t)", "public Task<O> ExecuteAsync(\n        P p, SkillContext context, // given\n        CancellationToken t)", Context)]
    [InlineData("public static Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t)", "public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t)", "Make ExecuteAsync an instance method")]
    [InlineData("internal Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t)", "public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t)", "Make ExecuteAsync public")]
    [InlineData("protected internal Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t)", "public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t)", "Make ExecuteAsync public")]
    [InlineData("Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t)", "public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t)", "Make ExecuteAsync public")]
    public Task A_signature_is_completed(string before, string after, string title) =>
        Fixed.Is("RP0402", title, Class + before + " => null!;\n}\n", Class + after + " => null!;\n}\n");

    [Fact]
    public Task A_static_skill_keeps_its_name() => Fixed.Is(
        "RP0402",
        "Make it Add(parameters, SkillContext, CancellationToken)",
        "using RunProof.Format;\nusing RunProof.Skills;\n\npublic static class C\n{\n    /// <summary>Adds.</summary>\n    [Skill(\"add\")]\n    public static System.Threading.Tasks.Task<O> Add(P p) => null!;\n}\n[Canonical] public sealed partial record P(int A);\n[Canonical] public sealed partial record O(int B);\n",
        "using System.Threading;\nusing RunProof.Format;\nusing RunProof.Skills;\n\npublic static class C\n{\n    /// <summary>Adds.</summary>\n    [Skill(\"add\")]\n    public static System.Threading.Tasks.Task<O> Add(P p, SkillContext context, CancellationToken cancellationToken) => null!;\n}\n[Canonical] public sealed partial record P(int A);\n[Canonical] public sealed partial record O(int B);\n");

    [Theory]
    [InlineData("public Task<O> ExecuteAsync() => null!;")]
    [InlineData("public Task<O> ExecuteAsync(P p, O o) => null!;")]
    [InlineData("public Task<O> ExecuteAsync(P p = null!) => null!;")]
    [InlineData("public Task<O> ExecuteAsync(ref P p) => null!;")]
    [InlineData("public Task<O> ExecuteAsync(params P[] p) => null!;")]
    [InlineData("public Task<O> RunAsync(P p, SkillContext c, CancellationToken t) => null!;")]
    [InlineData("public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; public Task<O> ExecuteAsync(O p, SkillContext c, CancellationToken t) => null!;")]
    public Task Where_nobody_can_tell_what_is_meant_nothing_is_offered(string method) => Fixed.IsNotOffered("RP0402", Class + method + "\n}\n");

    [Theory]
    [InlineData("public O ExecuteAsync(P p, SkillContext c, CancellationToken t) => new O(p.A);", "public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => Task.FromResult(new O(p.A));", "O")]
    [InlineData("public O ExecuteAsync(P p, SkillContext c, CancellationToken t) => new(p.A);", "public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => Task.FromResult<O>(new(p.A));", "O")]
    [InlineData("public O ExecuteAsync(P p, SkillContext c, CancellationToken t) => throw new Exception();", "public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => throw new Exception();", "O")]
    [InlineData("public SkillResult<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => new O(1);", "public Task<SkillResult<O>> ExecuteAsync(P p, SkillContext c, CancellationToken t) => Task.FromResult<SkillResult<O>>(new O(1));", "SkillResult<O>")]
    [InlineData(
        "public O ExecuteAsync(P p, SkillContext c, CancellationToken t)\n    {\n        Func<O> f = () => { return new O(1); };\n        if (p.A > 0)\n            return f(); // first\n        return null!;\n    }",
        "public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t)\n    {\n        Func<O> f = () => { return new O(1); };\n        if (p.A > 0)\n            return Task.FromResult(f()); // first\n        return Task.FromResult<O>(null!);\n    }",
        "O")]
    public Task A_return_type_is_wrapped(string before, string after, string type) =>
        Fixed.Is("RP0403", $"Return 'Task<{type}>'", Class + before + "\n}\n", Class + after + "\n}\n");

    [Fact]
    public Task An_async_body_stays_as_it_is() => Fixed.Is(
        "RP0403",
        "Return 'Task<O>'",
        Class + "public async O ExecuteAsync(P p, SkillContext c, CancellationToken t) { await Task.Yield(); return new O(1); }\n}\n",
        Class + "public async Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) { await Task.Yield(); return new O(1); }\n}\n");

    [Theory]
    [InlineData("void")]
    [InlineData("Task")]
    [InlineData("string")]
    [InlineData("Task<O?>")]
    [InlineData("O?")]
    public Task What_is_no_outcome_is_not_wrapped(string type) => Fixed.IsNotOffered("RP0403", Class + "public " + type + " ExecuteAsync(P p, SkillContext c, CancellationToken t) => throw new Exception();\n}\n");

    [Fact]
    public async Task A_record_of_another_file_becomes_canonical()
    {
        const string Skill = "using System.Threading;\nusing System.Threading.Tasks;\nusing RunProof.Format;\nusing RunProof.Skills;\n\n/// <summary>Does it.</summary>\n[Skill(\"s\")]\npublic sealed partial class S\n{\n    public Task<SkillResult<N.Outcome>> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!;\n}\n[Canonical] public sealed partial record P(int A);\n";
        var project = Scene.Of((Fixed.File, Skill), ("Outcome.cs", "namespace N;\r\n\r\n/// <summary>An outcome.</summary>\r\npublic sealed class Outcome\r\n{\r\n    public int X { get; init; }\r\n}\r\n"));
        project = await Fixed.Applied("RP0404", "Make 'Outcome' a canonical record", project);
        Assert.Equal(Skill, await Fixed.Text(project));
        Assert.Equal("using RunProof.Format;\r\n\r\nnamespace N;\r\n\r\n/// <summary>An outcome.</summary>\r\n[Canonical]\r\npublic sealed partial record Outcome\r\n{\r\n    public int X { get; init; }\r\n}\r\n", await Fixed.Text(project, "Outcome.cs"));
        await Fixed.IsWell(project);
    }

    [Fact]
    public Task Records_that_many_skills_share_become_canonical_once() => Fixed.AllAre(
        "RP0404",
        "RunProof.RP0404",
        "using System.Threading;\nusing System.Threading.Tasks;\nusing RunProof.Format;\nusing RunProof.Skills;\n\npublic record P(int A);\npublic record O(int B);\n\npublic static class C\n{\n    /// <summary>Does.</summary>\n    [Skill(\"a\")] public static Task<O> One(P p, SkillContext c, CancellationToken t) => null!;\n    /// <summary>Does.</summary>\n    [Skill(\"b\")] public static Task<O> Two(P p, SkillContext c, CancellationToken t) => null!;\n}\n",
        "using System.Threading;\nusing System.Threading.Tasks;\nusing RunProof.Format;\nusing RunProof.Skills;\n\n[Canonical]\npublic partial record P(int A);\n[Canonical]\npublic partial record O(int B);\n\npublic static class C\n{\n    /// <summary>Does.</summary>\n    [Skill(\"a\")] public static Task<O> One(P p, SkillContext c, CancellationToken t) => null!;\n    /// <summary>Does.</summary>\n    [Skill(\"b\")] public static Task<O> Two(P p, SkillContext c, CancellationToken t) => null!;\n}\n");

    [Theory]
    [InlineData("public Task<O> ExecuteAsync(string p, SkillContext c, CancellationToken t) => null!;")]
    [InlineData("public Task<O> ExecuteAsync(Exception p, SkillContext c, CancellationToken t) => null!;")]
    [InlineData("public Task<T<int>> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; } public record T<U>(U A); public class C {")]
    [InlineData("public Task<Q> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; private sealed record Q(int A);")]
    public Task What_is_not_declared_here_is_not_made_canonical(string method) => Fixed.IsNotOffered("RP0404", Class + method + "\n}\n");

    [Fact]
    public Task The_second_of_two_skills_gets_a_free_name() => Fixed.Is(
        "RP0405",
        "Call this one \"s_2\"",
        Class + "public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!;\n}\npublic static class C { /// <summary>D.</summary>\n [Skill(\"s\", Version = \"2\")] public static Task<O> D(P p, SkillContext c, CancellationToken t) => null!; }\n",
        Class + "public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!;\n}\npublic static class C { /// <summary>D.</summary>\n [Skill(\"s_2\", Version = \"2\")] public static Task<O> D(P p, SkillContext c, CancellationToken t) => null!; }\n");
}
