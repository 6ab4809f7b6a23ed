using Npgsql;

namespace RunProof.Testing;

/// <summary>A database of one test's own.</summary>
/// <param name="Name">Its name, unique on the server.</param>
/// <param name="AdminConnectionString">As a superuser. Npgsql's pool settings are those that the services use.</param>
public sealed record TestDatabase(string Name, string AdminConnectionString)
{
    /// <summary>The password of the service roles' logins in migrated databases.</summary>
    public const string RolePassword = "runproof-test-password";

    /// <summary>As <c>runproof_runner_login</c>. Only in a migrated database.</summary>
    public string RunnerConnectionString => As("runproof_runner_login", RolePassword);

    /// <summary>As <c>runproof_verifier_login</c>. Only in a migrated database.</summary>
    public string VerifierConnectionString => As("runproof_verifier_login", RolePassword);

    /// <summary>As <c>runproof_auditor_login</c>. Only in a migrated database.</summary>
    public string AuditorConnectionString => As("runproof_auditor_login", RolePassword);

    /// <summary>As any login.</summary>
    public string As(string username, string password) =>
        new NpgsqlConnectionStringBuilder(AdminConnectionString) { Username = username, Password = password }.ConnectionString;
}
