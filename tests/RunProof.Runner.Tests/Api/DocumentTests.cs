using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Routing;

namespace RunProof.Runner.Tests;

public sealed class DocumentTests(RunnerFixture runner)
{
    [Fact]
    public async Task The_openapi_document_lists_every_route_with_its_answers()
    {
        var document = (await runner.Anonymous.GetAsync("/openapi/v1.json")).Body;

        var listed = new StringBuilder();
        foreach (var path in document.GetProperty("paths").EnumerateObject().OrderBy(path => path.Name, StringComparer.Ordinal))
        {
            foreach (var method in path.Value.EnumerateObject())
            {
                var secured = method.Value.TryGetProperty("security", out var security) && security.GetArrayLength() > 0 ? "key" : "open";
                listed.Append(method.Name.ToUpperInvariant()).Append(' ').Append(path.Name).Append(" (").Append(secured).Append(")\n");
                if (method.Value.TryGetProperty("parameters", out var parameters))
                {
                    foreach (var parameter in parameters.EnumerateArray())
                        listed.Append("  ").Append(parameter.GetProperty("in").GetString()).Append(' ').Append(parameter.GetProperty("name").GetString()).Append('\n');
                }

                if (method.Value.TryGetProperty("requestBody", out var body))
                    listed.Append("  body ").Append(Schema(body)).Append('\n');
                foreach (var response in method.Value.GetProperty("responses").EnumerateObject())
                    listed.Append("  ").Append(response.Name).Append(' ').Append(Schema(response.Value)).Append('\n');
            }
        }

        Verify(listed.ToString());
    }

    [Fact]
    public async Task The_document_says_what_a_run_may_be_asked_for_with()
    {
        var schema = (await runner.Anonymous.GetAsync("/openapi/v1.json")).Body.GetProperty("components").GetProperty("schemas").GetProperty("CreateRun");

        Assert.Equal(["agent_id", "goal", "origin_system_id"], schema.GetProperty("required").EnumerateArray().Select(name => name.GetString()).Order());
        Assert.Equal(22, schema.GetProperty("properties").EnumerateObject().Count());
    }

    [Fact]
    public async Task The_skills_are_listed_with_their_schemas()
    {
        var skills = await runner.Acme.GetAsync("/api/v1/skills");

        var say = skills.Body.GetProperty("items").EnumerateArray().Single(skill => skill.GetProperty("name").GetString() == "say");
        Assert.Equal(
            ["name", "version", "description", "schema", "parameters_schema", "outcome_schema", "parameters_fingerprint", "outcome_fingerprint", "assembly"],
            say.EnumerateObject().Select(member => member.Name));
        Assert.Equal(JsonValueKind.Object, say.GetProperty("parameters_schema").ValueKind);
    }

    [Fact]
    public async Task The_zen_endpoint_says_one_sentence()
    {
        var zen = await runner.Anonymous.GetAsync("/demo/zen");

        Assert.Equal((HttpStatusCode.OK, "text/plain", "Responsive is better than fast."), (zen.Status, zen.MediaType, zen.Body.GetString()));
    }

    [Fact]
    public async Task Health_names_the_checks()
    {
        var health = await runner.Anonymous.GetAsync("/health");

        Assert.Equal(HttpStatusCode.OK, health.Status);
        Assert.Superset(new HashSet<string?> { "PostgreSql", "schema", "self" }, health.Body.GetProperty("checks").EnumerateArray().Select(check => check.GetProperty("name").GetString()).ToHashSet());
        Assert.Equal(HttpStatusCode.OK, (await runner.Anonymous.GetAsync("/alive")).Status);
    }

    private static string Schema(JsonElement holder) =>
        holder.TryGetProperty("content", out var content)
            ? string.Join(", ", content.EnumerateObject().Select(media => media.Name + " " + (media.Value.TryGetProperty("schema", out var schema) && schema.TryGetProperty("$ref", out var reference) ? reference.GetString()!.Split('/')[^1] : "inline")))
            : "-";

    private static void Verify(string text, [CallerMemberName] string name = "", [CallerFilePath] string file = "")
    {
        var verified = Path.Combine(Path.GetDirectoryName(file)!, $"{nameof(DocumentTests)}.{name}.verified.txt");
        var expected = File.Exists(verified) ? File.ReadAllText(verified).ReplaceLineEndings("\n") : "";
        if (expected == text)
            return;
        File.WriteAllText(verified.Replace(".verified.", ".received.", StringComparison.Ordinal), text);
        Assert.Equal(expected, text);
    }
}
