using System.Buffers.Text;
using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;

namespace RunProof.Cli;

/// <summary><c>keys create|list|revoke</c>, through the database: whoever may write there may make keys.</summary>
internal static class KeyCommands
{
    private static readonly Option<string> Tenant = new("--tenant") { Required = true, HelpName = "ID", Description = "The tenant that its bearer acts in; made where it is new." };
    private static readonly Option<string> Name = new("--name") { Required = true, HelpName = "NAME", Description = "What the key is for." };
    private static readonly Option<string> Scope = Scopes();
    private static readonly Option<string?> OfTenant = new("--tenant") { HelpName = "ID", Description = "Only keys of this tenant." };
    private static readonly Argument<string> Id = new("KEY-ID") { Description = "The key's id, key_…; never the key itself." };

    internal static Command Create(World world) => new("keys", "API keys, of which only the SHA-256 is stored; and the key that signs the logs.")
    {
        new Command("create", "Make a key and print it, once.") { Tenant, Name, Scope }.Does(world, CreateAsync),
        new Command("list", "List keys; revoked ones too.") { OfTenant }.Does(world, ListAsync),
        LogKeyCommands.Create(world),
        new Command("revoke", "Revoke a key. The services forget it within seconds.") { Id }.Does(world, RevokeAsync),
    };

    private static async Task<Answer> CreateAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var tenant = Tenants.Parse(invocation.Get(Tenant)!);
        if (invocation.Get(Name) is not { Length: >= 1 and <= 200 } name)
            throw CommandException.Usage("--name must have 1 to 200 characters");
        var secret = "rpk_" + Base64Url.EncodeToString(Fill(invocation.World, 32));
        var created = WireTime.Truncate(invocation.World.Clock.GetUtcNow());
        var key = new ApiKey(tenant, "key_" + Convert.ToHexStringLower(Fill(invocation.World, 8)), name, invocation.Get(Scope)!, created, null);
        await Database.UseAsync(invocation, async source =>
        {
            await new PostgresApiKeyStore(source).CreateAsync(key, Digest.Of(Encoding.ASCII.GetBytes(secret)), cancellationToken);
            return true;
        });
        var document = Json(key);
        document["api_key"] = secret;
        return new Answer(document, page =>
        {
            page.Fields(("key", secret), ("id", key.Id), ("tenant", tenant.Value), ("scope", key.Scope), ("name", key.Name));
            page.Line(Tone.Open, "The key is shown this once: keep it now.");
        });
    }

    private static async Task<Answer> ListAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        TenantId? tenant = invocation.Get(OfTenant) is { } text ? Tenants.Parse(text) : null;
        var keys = await Database.UseAsync(invocation, source => new PostgresApiKeyStore(source).ListAsync(tenant, cancellationToken));
        return new Answer(new JsonObject { ["items"] = new JsonArray([.. keys.Select(Json)]) }, page => page.Table(
            ["ID", "TENANT", "SCOPE", "NAME", "CREATED", "REVOKED"],
            [.. keys.Select(key => new Cell[] { key.Id, key.TenantId.Value, key.Scope, key.Name, WireTime.ToText(key.CreatedAt), new(Time(key.RevokedAt), Tone.Bad) })],
            "no keys"));
    }

    private static async Task<Answer> RevokeAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var id = invocation.Get(Id);
        if (id.StartsWith("rpk_", StringComparison.Ordinal))
            throw CommandException.Usage("that is a key, not a key's id", "keys list shows the ids; revoke this key, since it may now stand in your shell's history");
        var at = invocation.World.Clock.GetUtcNow();
        if (!await Database.UseAsync(invocation, source => new PostgresApiKeyStore(source).RevokeAsync(id, at, cancellationToken)))
            throw new CommandException(ExitCode.NotFound, "not_found", $"there is no key {id} that is not revoked", "runproof keys list shows all");
        return new Answer(new JsonObject { ["id"] = id, ["revoked_at"] = WireTime.ToText(at) }, page => page.Line(Tone.Good, $"revoked {id}"));
    }

    private static JsonObject Json(ApiKey key) => new()
    {
        ["id"] = key.Id,
        ["tenant_id"] = key.TenantId.Value,
        ["name"] = key.Name,
        ["scope"] = key.Scope,
        ["created_at"] = WireTime.ToText(key.CreatedAt),
        ["revoked_at"] = Time(key.RevokedAt),
    };

    private static string? Time(DateTimeOffset? time) => time is { } value ? WireTime.ToText(value) : null;

    private static byte[] Fill(World world, int length)
    {
        var bytes = new byte[length];
        world.Randomness(bytes);
        return bytes;
    }

    private static Option<string> Scopes()
    {
        var option = new Option<string>("--scope")
        {
            HelpName = "SCOPE", Description = "runner (create and read), governor (policies and read), approver (approvals and read) or auditor (read only).", DefaultValueFactory = _ => "runner",
        };
        option.AcceptOnlyFromAmong("runner", "auditor", "governor", "approver");
        return option;
    }
}
