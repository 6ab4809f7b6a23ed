using RunProof.Format;

namespace RunProof.Skills;

/// <summary>
/// Says of a skill class, call by call, what one execution may use at most, before it begins: a model that may answer with so many tokens, a service with a known price. Budgets
/// reserve that much until the step is recorded, so that steps under way at once cannot use more than there is. Calls of a class that does not say it reserve nothing.
/// </summary>
/// <typeparam name="TParameters">The parameters of its <c>ExecuteAsync</c>.</typeparam>
public interface ILimited<in TParameters>
{
    /// <summary>What a call may use at most. It must not wait for anything, and not throw; it is asked only where a budget is about it.</summary>
    /// <param name="parameters">The call.</param>
    /// <param name="services">The host's services: prices are the operator's.</param>
    /// <param name="tenant">Whose call it is.</param>
    /// <returns>The most; null where that is not known.</returns>
    static abstract UseLimit? MostOf(TParameters parameters, IServiceProvider services, TenantId tenant);
}

/// <summary>What one execution may use at most.</summary>
public sealed record UseLimit
{
    /// <param name="costCents">Cents; 0 where it costs nothing that is recorded.</param>
    /// <param name="tokens">Tokens of models, in and out.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative.</exception>
    public UseLimit(decimal costCents, long tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(costCents);
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        (CostCents, Tokens) = (costCents, tokens);
    }

    /// <summary>Cents.</summary>
    public decimal CostCents { get; }

    /// <summary>Tokens of models, in and out.</summary>
    public long Tokens { get; }
}
