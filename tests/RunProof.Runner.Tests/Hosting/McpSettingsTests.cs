using Microsoft.Extensions.Configuration;

namespace RunProof.Runner.Tests;

/// <summary>MCP servers as the configuration has them.</summary>
public sealed class McpSettingsTests
{
    [Fact]
    public void A_program_and_an_address()
    {
        var servers = Read(
            ("files:Command", "node"), ("files:Args:0", "server.js"), ("files:Args:1", "/srv"), ("files:Env:LEVEL", "warn"), ("files:Tenants:0", "acme"), ("files:TrustAnnotations", "true"),
            ("web:Url", "https://mcp.example/mcp"), ("web:Headers:X-Kind", "agent"), ("web:Tools:0", "search"), ("web:Tenant", "*"), ("web:CallSeconds", "5"), ("web:ListBeforeCall", "true"));
        Assert.Equal(["files", "web"], servers.Select(server => server.Name));
        var (files, web) = (servers[0], servers[1]);
        Assert.Equal(("node", "server.js /srv", "warn", true, false), (files.Command, string.Join(' ', files.Args), files.Env["LEVEL"], files.TrustAnnotations, files.ListBeforeCall));
        Assert.Equal(("https://mcp.example/mcp", "agent", TimeSpan.FromSeconds(5), true), (web.Url!.ToString(), web.Headers["X-Kind"], web.CallTimeout, web.ListBeforeCall));
        Assert.Equal(["search"], web.Tools);
        Assert.Equal(["*"], web.Tenants);
        Assert.Empty(files.Secrets);
    }

    [Fact]
    public void A_reference_is_filled_in_and_what_it_stands_for_is_a_secret()
    {
        var server = Assert.Single(Read(("web:Url", "https://mcp.example/"), ("web:Tenant", "*"), ("web:Headers:Authorization", "Bearer ${WEB_TOKEN}"), ("!WEB_TOKEN", "s3cr3t")));
        Assert.Equal("Bearer s3cr3t", server.Headers["Authorization"]);
        Assert.Contains("s3cr3t", server.Secrets);
        Assert.Contains("Bearer s3cr3t", server.Secrets);
    }

    [Theory]
    [InlineData("RunProof:Mcp:web:Headers:A: refers to NOT_THERE, which is not there", "web:Headers:A", "x${NOT_THERE}")]
    [InlineData("RunProof:Mcp:web:CallSeconds: is no number", "web:CallSeconds", "soon")]
    [InlineData("RunProof:Mcp:web:ListBeforeCall: is no true or false", "web:ListBeforeCall", "perhaps")]
    [InlineData("RunProof:Mcp:web:Url: must be an absolute http or https address", "web:Url", "not an address")]
    public void What_is_wrong_is_told_by_its_key(string message, string key, string value) => Assert.Equal(
        message, Assert.Throws<ArgumentException>(() => Read([("web:Url", "https://mcp.example/"), ("web:Tenant", "*"), (key, value)])).Message);

    private static IReadOnlyList<Mcp.McpServerOptions> Read(params (string Key, string Value)[] values)
    {
        var all = new Dictionary<string, string?>();
        foreach (var (key, value) in values)
            all[key[0] == '!' ? key[1..] : "RunProof:Mcp:" + key] = value;
        return McpSettings.Read(new ConfigurationBuilder().AddInMemoryCollection(all).Build());
    }
}
