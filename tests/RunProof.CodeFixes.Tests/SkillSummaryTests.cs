using RunProof.CodeFixes.Tests.Driving;

namespace RunProof.CodeFixes.Tests;

/// <summary>RP0407: a first summary, of nothing but what is declared.</summary>
public sealed class SkillSummaryTests
{
    private const string Usings = "using System.Threading;\nusing System.Threading.Tasks;\nusing RunProof.Format;\nusing RunProof.Skills;\n\n";

    private const string Records = "\n[Canonical] public sealed partial record Invoice(string Customer, [WireName(\"amount\")] long AmountCents);\n[Canonical] public sealed partial record Sent(string InvoiceId);\n[Canonical] public sealed partial record None;\n[Canonical] public sealed partial record Many(int A, int B, int C, int D, int E, int F, int G);\n";

    private const string Title = "Begin a summary of what the skill does";

    private const string Summary = "/// <summary>Send invoice: takes customer and amount, returns invoice_id.</summary>";

    private const string Method = "public static Task<Sent> Send(Invoice i, SkillContext c, CancellationToken t) => null!;";

    [Theory]
    [InlineData("public static class C\n{\n    [Skill(\"send_invoice\")]\n    " + Method + "\n}\n", "public static class C\n{\n    " + Summary + "\n    [Skill(\"send_invoice\")]\n    " + Method + "\n}\n")]
    [InlineData("public static class C\n{\n    // Why.\n\n    [Skill(\"send-invoice\")] " + Method + "\n}\n", "public static class C\n{\n    // Why.\n\n    " + Summary + "\n    [Skill(\"send-invoice\")] " + Method + "\n}\n")]
    [InlineData("public static class C {[Skill(\"send.invoice\")] " + Method + "}\n", "public static class C {\n" + Summary + "\n[Skill(\"send.invoice\")] " + Method + "}\n")]
    [InlineData("public static class C\n{\n    /// <remarks>Once.</remarks>\n    [Skill(\"send:invoice\")]\n    " + Method + "\n}\n", "public static class C\n{\n    " + Summary + "\n    /// <remarks>Once.</remarks>\n    [Skill(\"send:invoice\")]\n    " + Method + "\n}\n")]
    [InlineData("public static class C\n{\n    /// <summary>\n    /// </summary>\n    /// <remarks>Once.</remarks>\n    [Skill(\"send_invoice\")]\n    " + Method + "\n}\n", "public static class C\n{\n    " + Summary + "\n    /// <remarks>Once.</remarks>\n    [Skill(\"send_invoice\")]\n    " + Method + "\n}\n")]
    [InlineData("public static class C\n{\n    /// <summary/>\n    [Skill(\"send_invoice\")]\n    " + Method + "\n}\n", "public static class C\n{\n    " + Summary + "\n    [Skill(\"send_invoice\")]\n    " + Method + "\n}\n")]
    [InlineData("[Skill(\"send_invoice\")]\npublic sealed partial class S\n{\n    public ValueTask<SkillResult<Sent>> ExecuteAsync(Invoice i, SkillContext c, CancellationToken t) => default;\n}\n", Summary + "\n[Skill(\"send_invoice\")]\npublic sealed partial class S\n{\n    public ValueTask<SkillResult<Sent>> ExecuteAsync(Invoice i, SkillContext c, CancellationToken t) => default;\n}\n")]
    public Task A_skill_without_summary_gets_one(string before, string after) => Fixed.Is("RP0407", Title, Usings + before + Records, Usings + after + Records);

    [Theory]
    [InlineData("Task<None>", "None", "takes nothing, returns nothing")]
    [InlineData("Task<Many>", "None", "takes nothing, returns a, b, c, d, e and 2 more")]
    public Task It_says_what_goes_in_and_what_comes_out(string returns, string takes, string words)
    {
        var method = $"[Skill(\"s\")]\npublic sealed partial class S {{ public {returns} ExecuteAsync({takes} i, SkillContext c, CancellationToken t) => null!; }}\n";
        return Fixed.Is("RP0407", Title, Usings + method + Records, Usings + $"/// <summary>S: {words}.</summary>\n" + method + Records);
    }

    [Fact]
    public Task A_block_comment_is_left_to_its_author() =>
        Fixed.IsNotOffered("RP0407", Usings + "/** <remarks>Once.</remarks> */\n[Skill(\"s\")] public sealed partial class S { public Task<Sent> ExecuteAsync(Invoice i, SkillContext c, CancellationToken t) => null!; }\n" + Records);

    [Fact]
    public Task All_skills_at_once() => Fixed.AllAre(
        "RP0407",
        "RunProof.RP0407",
        Usings.Replace("\n", "\r\n", StringComparison.Ordinal) + "public static class C\r\n{\r\n    [Skill(\"send_invoice\")]\r\n    " + Method + "\r\n\r\n    [Skill(\"send_invoice/again\")]\r\n    " + Method.Replace("Send(", "Again(", StringComparison.Ordinal) + "\r\n}\r\n" + Records.Replace("\n", "\r\n", StringComparison.Ordinal),
        Usings.Replace("\n", "\r\n", StringComparison.Ordinal) + "public static class C\r\n{\r\n    " + Summary + "\r\n    [Skill(\"send_invoice\")]\r\n    " + Method + "\r\n\r\n    " + Summary.Replace("Send invoice:", "Send invoice again:", StringComparison.Ordinal) + "\r\n    [Skill(\"send_invoice/again\")]\r\n    " + Method.Replace("Send(", "Again(", StringComparison.Ordinal) + "\r\n}\r\n" + Records.Replace("\n", "\r\n", StringComparison.Ordinal));
}
