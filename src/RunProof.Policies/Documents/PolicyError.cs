namespace RunProof.Policies;

/// <summary>One thing that is wrong with a policy document.</summary>
/// <param name="Line">The line, from 1.</param>
/// <param name="Column">The character in it, from 1.</param>
/// <param name="Place">Where in the document: <c>rules[2].when.host</c>; empty for the document itself.</param>
/// <param name="Message">What is wrong there, in words that go on after the place.</param>
public sealed record PolicyError(int Line, int Column, string Place, string Message)
{
    /// <summary>As a person reads it.</summary>
    /// <returns><c>line 12, rules[2].when.host: …</c>.</returns>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture, $"line {Line}{(Place.Length == 0 ? "" : ", " + Place)}: {Message}");
}

/// <summary>What came of reading a document: the policy, or everything that is wrong with it.</summary>
/// <param name="Policy">The policy; null where there are errors.</param>
/// <param name="Errors">All errors, in the document's order.</param>
public sealed record PolicyReading(PolicyDocument? Policy, IReadOnlyList<PolicyError> Errors);
