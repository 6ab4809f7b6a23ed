using System.Text.Json;
using System.Text.RegularExpressions;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>
/// What must be true for a step to be executed: a small JSON object that compares values of earlier outcomes, or asks how earlier steps ended. Where it is false the step is
/// skipped; where it cannot be known the step fails.
/// </summary>
public sealed class Condition : IEquatable<Condition>
{
    /// <summary>How deep <c>all</c>, <c>any</c> and <c>not</c> may be nested, the condition itself being 1.</summary>
    public const int MaxDepth = 8;

    /// <summary>The most comparisons and questions that a condition may have.</summary>
    public const int MaxTests = 64;

    /// <summary>The most references that a condition may have.</summary>
    public const int MaxReferences = 64;

    /// <summary>The most bytes that a condition may have, as canonical JSON.</summary>
    public const int MaxBytes = 16_384;

    internal Condition(CanonicalJson json, Test root) => (Json, Root) = (json, root);

    /// <summary>The condition as a plan holds it: canonical JSON.</summary>
    public CanonicalJson Json { get; }

    internal Test Root { get; }

    /// <summary>Reads a condition, for planners that make steps of their own.</summary>
    /// <param name="json">The condition's JSON object.</param>
    /// <exception cref="FormatException">It is not one; the message says where and why.</exception>
    /// <returns>The condition.</returns>
    public static Condition Parse(string json)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json);
        }
        catch (JsonException refused)
        {
            throw new FormatException($"the condition is not JSON: {refused.Message}", refused);
        }

        using (document)
        {
            var reader = new ObjectReader();
            return ConditionReader.Read(document.RootElement, "condition", reader) is { } condition && reader.Errors.Count == 0
                ? condition
                : throw new FormatException(string.Join("; ", reader.Errors.Select(error => $"{error.Place}: {error.Message}")));
        }
    }

    /// <inheritdoc/>
    public bool Equals(Condition? other) => other is not null && Json.Equals(other.Json);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Condition);

    /// <inheritdoc/>
    public override int GetHashCode() => Json.GetHashCode();

    /// <summary>The condition's JSON.</summary>
    /// <returns>Canonical JSON text.</returns>
    public override string ToString() => Json.ToString();
}

/// <summary>How two values are compared.</summary>
internal enum Comparison
{
    Equal,
    NotEqual,
    In,
    Greater,
    Less,
    AtLeast,
    AtMost,
    Exists,
    Matches,
}

/// <summary>A part of a condition, with its place in the plan.</summary>
internal abstract record Test(string Place)
{
    /// <summary>Every comparison in it, and every question how a step ended.</summary>
    public IEnumerable<Test> Leaves() => this switch
    {
        Junction junction => junction.Tests.SelectMany(test => test.Leaves()),
        Negation negation => negation.Negated.Leaves(),
        _ => [this],
    };

    /// <summary>All references to values, each with its place.</summary>
    public IEnumerable<(string Place, Reference Reference)> References() => Leaves().OfType<ValueTest>().SelectMany(test => test.Operands()
        .SelectMany(operand => operand.Template?.References.Select(reference => (operand.Place, reference)) ?? []));
}

/// <summary><c>all</c> or <c>any</c>: looked at from the first on, and no further than needed.</summary>
internal sealed record Junction(string Place, bool IsAll, IReadOnlyList<Test> Tests) : Test(Place);

/// <summary><c>not</c>.</summary>
internal sealed record Negation(string Place, Test Negated) : Test(Place);

/// <summary>How an earlier step ended.</summary>
internal sealed record StatusTest(string Place, string Step, IReadOnlyList<StepStatus> Statuses) : Test(Place);

/// <summary>A value of earlier outcomes, compared with another.</summary>
/// <param name="Place">Its place in the plan.</param>
/// <param name="Value">What is compared: it has a reference.</param>
/// <param name="How">How.</param>
/// <param name="Against">With what: one operand, or those of a list; none for exists and matches.</param>
/// <param name="Expected">Whether it must exist, for exists.</param>
/// <param name="Pattern">What it must match, for matches.</param>
internal sealed record ValueTest(string Place, Operand Value, Comparison How, IReadOnlyList<Operand> Against, bool Expected = true, Regex? Pattern = null) : Test(Place)
{
    public IEnumerable<Operand> Operands() => Against.Prepend(Value);
}

/// <summary>A literal value, or a string with references.</summary>
internal sealed record Operand(string Place, JsonElement Literal, Template? Template);
