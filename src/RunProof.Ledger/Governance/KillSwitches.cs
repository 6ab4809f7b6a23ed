using System.Buffers;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>What a kill switch stops.</summary>
public enum KillScope
{
    /// <summary>Every run of the tenant.</summary>
    Tenant,

    /// <summary>Every run of an agent.</summary>
    Agent,

    /// <summary>Every step of a skill, and with it its run.</summary>
    Skill,

    /// <summary>Every run of every tenant: the operator's, through the database.</summary>
    All,
}

/// <summary>A kill switch that is, or was, on. On once, off once.</summary>
public sealed record KillSwitch
{
    /// <summary>The code of a step that one keeps from being executed, or ends.</summary>
    public const string Code = "kill_switch";

    /// <summary>The tenant; null for <see cref="KillScope.All"/>.</summary>
    public required TenantId? TenantId { get; init; }

    /// <summary>Its number in its tenant, from 1, given by the store.</summary>
    public int Number { get; init; }

    /// <summary>What it stops.</summary>
    public required KillScope Scope { get; init; }

    /// <summary>The agent, for its scope.</summary>
    public AgentId? AgentId { get; init; }

    /// <summary>The skill, for its scope.</summary>
    public string? Skill { get; init; }

    /// <summary>Whether steps under way may end. Default: they are cancelled.</summary>
    public bool Graceful { get; init; }

    /// <summary>Why: 1 to 2,000 characters. It goes into evidence.</summary>
    public required string Reason { get; init; }

    /// <summary>Since when.</summary>
    public required DateTimeOffset SetAt { get; init; }

    /// <summary>By whom: a key's id.</summary>
    public required string SetBy { get; init; }

    /// <summary>When it was released; null while it is on.</summary>
    public DateTimeOffset? ReleasedAt { get; init; }

    /// <summary>By whom.</summary>
    public string? ReleasedBy { get; init; }

    /// <summary>The name that evidence gives it.</summary>
    public string EvidenceName => FormattableString.Invariant($"kill_switch:{(TenantId is null ? "all:" : "")}{Number}");

    /// <summary>SHA-256 over what it says, as canonical JSON: evidence names it.</summary>
    public Digest Digest => Digest.Of(ToDocument().Bytes.Span);

    /// <summary>Who and why, in a sentence.</summary>
    public string Sentence => $"{Whose()} is stopped by {SetBy} since {WireTime.ToText(SetAt)}: {Reason}";

    /// <summary>The word of a scope.</summary>
    public static string WordOf(KillScope scope) => scope switch
    {
        KillScope.Tenant => "tenant",
        KillScope.Agent => "agent",
        KillScope.Skill => "skill",
        _ => "all",
    };

    /// <summary>What it says, as canonical JSON.</summary>
    /// <returns>An object.</returns>
    public CanonicalJson ToDocument()
    {
        var buffer = new ArrayBufferWriter<byte>(192);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{\"agent_id\":"u8);
        Write(ref writer, AgentId?.Value);
        writer.WriteRaw(",\"graceful\":"u8);
        writer.WriteBoolean(Graceful);
        writer.WriteRaw(",\"kill_switch\":"u8);
        writer.WriteInt32(Number);
        writer.WriteRaw(",\"reason\":"u8);
        writer.WriteString(Reason);
        writer.WriteRaw(",\"scope\":"u8);
        writer.WriteString(WordOf(Scope));
        writer.WriteRaw(",\"set_at\":"u8);
        writer.WriteTime(SetAt);
        writer.WriteRaw(",\"set_by\":"u8);
        writer.WriteString(SetBy);
        writer.WriteRaw(",\"skill\":"u8);
        Write(ref writer, Skill);
        writer.WriteRaw("}"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    /// <summary>Whether it stops a run.</summary>
    /// <param name="tenant">The run's tenant.</param>
    /// <param name="agent">Its agent.</param>
    public bool StopsRunsOf(TenantId tenant, AgentId? agent) =>
        Scope is KillScope.All || (TenantId == tenant && (Scope is KillScope.Tenant || (Scope is KillScope.Agent && AgentId == agent)));

    /// <summary>Whether it stops a step.</summary>
    /// <param name="tenant">The run's tenant.</param>
    /// <param name="agent">Its agent.</param>
    /// <param name="skill">The step's skill.</param>
    public bool Stops(TenantId tenant, AgentId? agent, string skill) =>
        StopsRunsOf(tenant, agent) || (Scope is KillScope.Skill && TenantId == tenant && Skill == skill);

    private static void Write(ref CanonicalWriter writer, string? text)
    {
        if (text is null)
            writer.WriteNull();
        else
            writer.WriteString(text);
    }

    private string Whose() => Scope switch
    {
        KillScope.All => "everything",
        KillScope.Tenant => "every run of the tenant",
        KillScope.Agent => $"agent \"{AgentId?.Value}\"",
        _ => $"skill \"{Skill}\"",
    };
}

