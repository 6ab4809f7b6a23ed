using RunProof.Format;

namespace RunProof.Execution.Tests;

/// <summary>Plans within plans: whose a reference is.</summary>
public sealed class SubPlanTests
{
    [Theory]
    [InlineData(
        """{"goal":"{{steps.a.v}}","plan":[{"id":"a","params":{"x":"{{steps.a.v}} {{steps.b.v}}"}}]}""",
        """{"goal":"outer a","plan":[{"id":"a","params":{"x":"{{steps.a.v}} outer b"}}]}""")]
    [InlineData(
        """{"goal":"g","plan":[{"params":{"x":"{{steps.step_0.v}}","y":"{{steps.b}}"}}]}""",
        """{"goal":"g","plan":[{"params":{"x":"{{steps.step_0.v}}","y":{"v":"outer b"}}}]}""")]
    [InlineData(
        """{"goal":"g","plan":[{"id":"mine","skill":"sub_run","params":{"goal":"{{steps.inner.v}}{{steps.b.v}}","plan":[{"id":"inner","params":{"x":"{{steps.inner.v}}{{steps.mine.v}}{{steps.b.v}}"}}]}}]}""",
        null)]
    [InlineData(
        """{"goal":"g","plan":[{"id":"mine","skill":"sub_run","params":{"goal":"{{steps.mine.v}}{{steps.b.v}}","plan":[{"id":"inner","params":{"x":"{{steps.inner.v}}{{steps.mine.v}}{{steps.b.v}}"}}]}}]}""",
        """{"goal":"g","plan":[{"id":"mine","params":{"goal":"{{steps.mine.v}}outer b","plan":[{"id":"inner","params":{"x":"{{steps.inner.v}}{{steps.mine.v}}outer b"}}]},"skill":"sub_run"}]}""")]
    public void A_reference_to_an_id_of_the_plan_that_it_stands_in_is_that_plans_own(string parameters, string? resolved)
    {
        var outcomes = new Dictionary<string, CanonicalJson?> { ["a"] = Json("""{"v":"outer a"}"""), ["b"] = Json("""{"v":"outer b"}""") };
        if (resolved is null)
            Assert.Throws<UnresolvedReferenceException>(() => SubPlans.Resolve("sub_run", Json(parameters), outcomes));
        else
            Assert.Equal(Json(resolved).ToString(), SubPlans.Resolve("sub_run", Json(parameters), outcomes).ToString());
    }

    [Theory]
    [InlineData("""{"v":"{{steps.a.v}}"}""")]
    [InlineData("""{"v":{"deep":["{{ steps.a.v }}"]}}""")]
    [InlineData("""{"v":"\ufdd0steps.a.v\ufdd1"}""")]
    [InlineData("""{"v":"{{st"}""")]
    public void No_value_becomes_a_reference(string outcome)
    {
        var parameters = Json("""{"goal":"g","plan":[{"id":"a","params":{"x":"{{steps.b.v}}","y":"{{steps.b.v}}eps.a.v}}"}}]}""");
        var outcomes = new Dictionary<string, CanonicalJson?> { ["b"] = Json(outcome) };

        Assert.Throws<UnresolvedReferenceException>(() => SubPlans.Resolve("sub_run", parameters, outcomes));
    }

    [Fact]
    public void The_steps_of_any_other_skill_have_no_plan()
    {
        var parameters = Json("""{"plan":[{"id":"a","params":{"x":"{{steps.a.v}}"}}]}""");

        Assert.Equal("""{"plan":[{"id":"a","params":{"x":1}}]}""", SubPlans.Resolve("echo", parameters, new Dictionary<string, CanonicalJson?> { ["a"] = Json("""{"v":1}""") }).ToString());
    }

    private static CanonicalJson Json(string json) => CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes(json));
}
