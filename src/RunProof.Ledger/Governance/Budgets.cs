using System.Buffers;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>Whose use a budget adds up.</summary>
public enum BudgetScope
{
    /// <summary>Each run's by itself.</summary>
    Run,

    /// <summary>An agent's, or each agent's by itself.</summary>
    Agent,

    /// <summary>The whole tenant's.</summary>
    Tenant,
}

/// <summary>Over what time a budget adds up.</summary>
public enum BudgetPeriod
{
    /// <summary>The run; goes with <see cref="BudgetScope.Run"/> and only with it.</summary>
    Run,

    /// <summary>A day of its zone.</summary>
    Day,

    /// <summary>A month of its zone.</summary>
    Month,

    /// <summary>All time since it was set.</summary>
    Total,
}

/// <summary>What becomes of a step that a used-up budget keeps from being executed.</summary>
public enum OnExceeded
{
    /// <summary>The run halts and fails.</summary>
    Halt,

    /// <summary>The step is blocked, and the run goes on.</summary>
    Continue,

    /// <summary>Somebody must approve it.</summary>
    RequireApproval,
}

/// <summary>One version of a budget, as it is stored: never changed, only retired.</summary>
public sealed record Budget
{
    /// <summary>The tenant.</summary>
    public required TenantId TenantId { get; init; }

    /// <summary>The budget's id: 1 to 64 of <c>a-z 0-9 . _ -</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Counts from 1, given by the store.</summary>
    public int Version { get; init; }

    /// <summary>Whose use is added up. The same in all versions.</summary>
    public required BudgetScope Scope { get; init; }

    /// <summary>Over what time. The same in all versions.</summary>
    public required BudgetPeriod Period { get; init; }

    /// <summary>The zone whose days and months count, an IANA id. The same in all versions.</summary>
    public string Zone { get; init; } = "UTC";

    /// <summary>The agent; null for every agent by itself (and for the tenant's). The same in all versions.</summary>
    public AgentId? AgentId { get; init; }

    /// <summary>What may be used.</summary>
    public required BudgetLimits Limits { get; init; }

    /// <summary>What becomes of a step beyond it.</summary>
    public OnExceeded OnExceeded { get; init; }

    /// <summary>When this version was set.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The id of the key by which.</summary>
    public string CreatedBy { get; init; } = "";

    /// <summary>Whether this version is in force.</summary>
    public bool IsActive { get; init; }

    /// <summary>The name that evidence gives it.</summary>
    public string EvidenceName => "budget:" + Id;

    /// <summary>The document as canonical JSON: what the digest is of.</summary>
    /// <returns>An object; equal for equal budgets, whoever set them and when.</returns>
    public CanonicalJson ToDocument()
    {
        var buffer = new ArrayBufferWriter<byte>(192);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{\"agent_id\":"u8);
        if (AgentId is { } agent)
            writer.WriteString(agent.Value);
        else
            writer.WriteNull();
        writer.WriteRaw(",\"budget\":"u8);
        writer.WriteString(Id);
        // cost_cents and duration_ms stand before on_exceeded, runs, steps and tokens after it, period and scope between.
        new BudgetLimits(Limits.CostCents, DurationMs: Limits.DurationMs).Write(ref writer, first: false);
        writer.WriteRaw(",\"on_exceeded\":"u8);
        writer.WriteString(BudgetWords.Of(OnExceeded));
        writer.WriteRaw(",\"period\":"u8);
        writer.WriteString(BudgetWords.Of(Period));
        new BudgetLimits(Runs: Limits.Runs).Write(ref writer, first: false);
        writer.WriteRaw(",\"scope\":"u8);
        writer.WriteString(BudgetWords.Of(Scope));
        new BudgetLimits(Steps: Limits.Steps, Tokens: Limits.Tokens).Write(ref writer, first: false);
        writer.WriteRaw(",\"zone\":"u8);
        writer.WriteString(Zone);
        writer.WriteRaw("}"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    /// <summary>SHA-256 of <see cref="ToDocument"/>.</summary>
    public Digest Digest => Digest.Of(ToDocument().Bytes.Span);

    /// <summary>The digest that is stored beside it; null for a budget that was not read from a store.</summary>
    public Digest? StoredDigest { get; init; }

    /// <summary>Whether it is what its stored digest says: somebody changed one of them where it is not.</summary>
    public bool IsAsStored => StoredDigest is not { } stored || stored == Digest;
}

/// <summary>What came of setting a budget.</summary>
public enum BudgetSetting
{
    /// <summary>A new version is in force.</summary>
    Set,

    /// <summary>The same was in force already.</summary>
    Unchanged,

    /// <summary>There is one of this id for another scope, period, zone or agent: what it added up would mean nothing.</summary>
    OfOtherKind,

    /// <summary>There is no such agent in this tenant.</summary>
    UnknownAgent,

    /// <summary>The store knows no such zone.</summary>
    UnknownZone,
}

/// <summary>What was used of a budget.</summary>
/// <param name="AgentId">Whose use; null for the tenant's.</param>
/// <param name="PeriodStart">The first day of the period, in the budget's zone; null for all time.</param>
/// <param name="CostCents">Cents.</param>
/// <param name="Tokens">Tokens.</param>
/// <param name="Steps">Attempts let through; counted where the budget limits them.</param>
/// <param name="Runs">Runs created; counted where the budget limits them.</param>
public sealed record BudgetUsage(AgentId? AgentId, DateOnly? PeriodStart, decimal CostCents, long Tokens, long Steps, long Runs)
{
    /// <summary>Cents that steps under way have reserved.</summary>
    public decimal ReservedCostCents { get; init; }

    /// <summary>Tokens that steps under way have reserved.</summary>
    public long ReservedTokens { get; init; }
}

/// <summary>What a run has used, over all its attempts.</summary>
/// <param name="CostCents">Cents.</param>
/// <param name="Tokens">Tokens.</param>
/// <param name="Steps">Steps recorded that were executed.</param>
public sealed record RunUse(decimal CostCents, long Tokens, long Steps);

/// <summary>A budget that is used up.</summary>
/// <param name="Budget">The budget.</param>
/// <param name="What">Which of its limits: <c>cost_cents</c>, <c>tokens</c>, <c>steps</c> or <c>duration_ms</c>.</param>
/// <param name="Used">How much is used.</param>
/// <param name="Limit">How much may be.</param>
/// <param name="Reserved">How much of the rest other steps under way have reserved.</param>
/// <param name="Wanted">How much the attempt wanted to reserve; 0 where it wanted nothing.</param>
public sealed record UsedUp(Budget Budget, string What, decimal Used, decimal Limit, decimal Reserved = 0, decimal Wanted = 0);

/// <summary>What an attempt is to reserve of the budgets of its agent and tenant, until it is recorded.</summary>
/// <param name="RunId">Its run.</param>
/// <param name="TraceId">Its trace.</param>
/// <param name="Worker">The process that has the run: nobody else reserves anything for it.</param>
/// <param name="Attempt">Which attempt.</param>
/// <param name="CostCents">Cents.</param>
/// <param name="Tokens">Tokens.</param>
public sealed record BudgetReservation(RunId RunId, TraceId TraceId, string Worker, AttemptId Attempt, decimal CostCents, long Tokens);
