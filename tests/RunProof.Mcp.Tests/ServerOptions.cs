namespace RunProof.Mcp.Tests;

/// <summary>What an operator may configure.</summary>
public sealed class ServerOptions
{
    private static readonly McpServerOptions Program = new() { Name = "fs", Command = "node", Tenants = ["*"] };
    private static readonly McpServerOptions Address = new() { Name = "web", Url = new Uri("https://mcp.example/mcp"), Tenants = ["acme"] };

    public static TheoryData<string, McpServerOptions> Wrong => new()
    {
        { "RunProof:Mcp:Has Space: a server's name has 1 to 32 of a-z 0-9 _ -", Program with { Name = "Has Space" } },
        { "RunProof:Mcp:fs:Command: give either Command, for a program, or Url, for a server that runs elsewhere", Program with { Command = null } },
        { "RunProof:Mcp:fs:Command: give either Command, for a program, or Url, for a server that runs elsewhere", Program with { Url = Address.Url } },
        { "RunProof:Mcp:web:Url: Args, Env and WorkingDirectory are for a Command", Address with { Args = ["x"] } },
        { "RunProof:Mcp:fs:Headers: are for a Url", Program with { Headers = new Dictionary<string, string> { ["A"] = "b" } } },
        { "RunProof:Mcp:web:Url: must be an absolute http or https address", Address with { Url = new Uri("file:///etc/passwd") } },
        { "RunProof:Mcp:web:Url: must not hold a user or password: use Headers", Address with { Url = new Uri("https://u:p@mcp.example/") } },
        { "RunProof:Mcp:fs:WorkingDirectory: there is no folder \"/no/such/folder\"", Program with { WorkingDirectory = "/no/such/folder" } },
        { "RunProof:Mcp:fs:Tenants: name the tenants that may call it, or * for all", Program with { Tenants = [] } },
        { "RunProof:Mcp:web:Headers:A B: is no name of a header", Address with { Headers = new Dictionary<string, string> { ["A B"] = "c" } } },
        { "RunProof:Mcp:web:Headers:A: holds characters that no header may hold", Address with { Headers = new Dictionary<string, string> { ["A"] = "b\r\nC: d" } } },
        { "RunProof:Mcp:fs:StartSeconds: must be from 1 to 600", Program with { StartTimeout = TimeSpan.Zero } },
        { "RunProof:Mcp:fs:MaxCalls: must be from 1 to 1000", Program with { MaxCalls = 0 } },
        { "RunProof:Mcp:fs:MaxMessageBytes: must be from 65536 to 67108864", Program with { MaxMessageBytes = 1 } },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_cannot_work_is_refused_by_its_key(string message, McpServerOptions options) =>
        Assert.Equal(message, Assert.Throws<ArgumentException>(options.Validated).Message);

    [Fact]
    public void What_can_is_taken()
    {
        Assert.Same(Program, Program.Validated());
        Assert.Same(Address, Address.Validated());
    }
}
