using System.Text;
using RunProof.Format;

namespace RunProof.Execution.Tests;

public sealed class ReferenceResolverTests
{
    private static readonly Dictionary<string, CanonicalJson?> Outcomes = new()
    {
        ["a"] = Json("""{"n":1.5,"t":true,"z":null,"s":"text","o":{"k":["x",{"deep":"é\n"}]},"big":"12345678901234567890"}"""),
        ["none"] = null,
    };

    [Theory]
    [InlineData("""{"x":"{{steps.a.n}}"}""", """{"x":1.5}""")]
    [InlineData("""{"x":"{{steps.a.t}}"}""", """{"x":true}""")]
    [InlineData("""{"x":"{{steps.a.z}}"}""", """{"x":null}""")]
    [InlineData("""{"x":"{{steps.a.s}}"}""", """{"x":"text"}""")]
    [InlineData("""{"x":"{{ steps.a.o }}"}""", """{"x":{"k":["x",{"deep":"é\n"}]}}""")]
    [InlineData("""{"x":"{{steps.a.o.k[0]}}"}""", """{"x":"x"}""")]
    [InlineData("""{"x":"{{steps.a.o.k[1].deep}}"}""", """{"x":"é\n"}""")]
    [InlineData("""{"x":[{"y":"{{steps.a.n}}"}]}""", """{"x":[{"y":1.5}]}""")]
    [InlineData("""{"x":"n is {{steps.a.n}}, s is {{steps.a.s}}!"}""", """{"x":"n is 1.5, s is text!"}""")]
    [InlineData("""{"x":"{{steps.a.o.k}} {{steps.a.t}}{{steps.a.z}}"}""", """{"x":"[\"x\",{\"deep\":\"é\\n\"}] truenull"}""")]
    [InlineData("""{"{{steps.a.n}}":"{{x}} {{}} }}"}""", """{"{{steps.a.n}}":"{{x}} {{}} }}"}""")]
    public void A_whole_string_becomes_the_value_and_a_part_of_one_its_text(string parameters, string expected)
    {
        Assert.Equal(expected, ReferenceResolver.Resolve(Json(parameters), Outcomes).ToString());
    }

    [Theory]
    [InlineData("{{steps.a.missing}}", "has nothing there")]
    [InlineData("{{steps.a.o.k[2]}}", "has nothing there")]
    [InlineData("{{steps.a.n[0]}}", "has nothing there")]
    [InlineData("{{steps.a.o.k.name}}", "has nothing there")]
    [InlineData("{{steps.none.x}}", "has no outcome")]
    [InlineData("{{steps.other.x}}", "has no outcome")]
    public void What_is_not_there_is_named(string reference, string expected)
    {
        var unresolved = Assert.Throws<UnresolvedReferenceException>(() => ReferenceResolver.Resolve(Json($$"""{"x":"{{reference}}"}"""), Outcomes));

        Assert.Contains(reference, unresolved.Message);
        Assert.Contains(expected, unresolved.Message);
    }

    [Fact]
    public void What_an_outcome_says_is_never_itself_taken_for_a_reference()
    {
        var outcomes = new Dictionary<string, CanonicalJson?> { ["a"] = Json("""{"x":"{{steps.a.secret}}","secret":"s"}""") };

        Assert.Equal("""{"x":"{{steps.a.secret}}"}""", ReferenceResolver.Resolve(Json("""{"x":"{{steps.a.x}}"}"""), outcomes).ToString());
    }

    private static CanonicalJson Json(string json) => CanonicalJson.Parse(Encoding.UTF8.GetBytes(json));
}
