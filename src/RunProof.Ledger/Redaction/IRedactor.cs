using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>Removes secrets and personal data from payloads before they are hashed or written anywhere.</summary>
public interface IRedactor
{
    /// <summary>Redacts a payload.</summary>
    /// <param name="payload">Canonical JSON.</param>
    /// <returns>The payload to record, and what was removed. The very same instance where nothing was.</returns>
    RedactionResult Redact(CanonicalJson payload);
}

/// <summary>What redaction left, and what it removed.</summary>
/// <param name="Payload">Canonical JSON without what the rules name.</param>
/// <param name="Removals">One for each value removed; empty where nothing was.</param>
public readonly record struct RedactionResult(CanonicalJson Payload, IReadOnlyList<Removal> Removals);

/// <summary>One value that redaction removed.</summary>
/// <param name="Place">Where, from the payload's root: <c>headers.authorization</c>, <c>items[2].email</c>.</param>
/// <param name="Rule">Which rule removed it: <c>name:password</c>, <c>token:github</c>, <c>card</c>, <c>email</c>.</param>
public sealed record Removal(string Place, string Rule);
