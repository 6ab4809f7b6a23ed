namespace RunProof.Postgres;

/// <summary>Passwords of the roles that services log in as. A role whose password is null is neither made nor changed.</summary>
/// <param name="Runner">Of <c>runproof_runner_login</c>.</param>
/// <param name="Verifier">Of <c>runproof_verifier_login</c>.</param>
/// <param name="Auditor">Of <c>runproof_auditor_login</c>.</param>
public sealed record RolePasswords(string? Runner = null, string? Verifier = null, string? Auditor = null)
{
    /// <summary>No login role at all: for a database whose operator makes them.</summary>
    public static RolePasswords None { get; } = new();

    /// <summary>The names only: a password must not reach a log by way of a record's text.</summary>
    /// <returns>Which passwords are given.</returns>
    public override string ToString() => $"runner {Given(Runner)}, verifier {Given(Verifier)}, auditor {Given(Auditor)}";

    private static string Given(string? password) => password is null ? "not given" : "given";
}
