using System.Security.Cryptography;
using System.Text;

namespace RunProof.Postgres;

/// <summary>What PostgreSQL stores of a password: a SCRAM-SHA-256 verifier (RFC 5802, RFC 7677), made here so that the password itself is never sent.</summary>
internal static class ScramVerifier
{
    private const int Iterations = 4096;

    /// <summary>The verifier of a password under a fresh salt.</summary>
    /// <param name="password">Printable ASCII: other characters would need SASLprep, on which clients differ.</param>
    /// <exception cref="ArgumentException">It is empty or holds other characters.</exception>
    internal static string Of(string password) => Of(password, RandomNumberGenerator.GetBytes(16));

    internal static string Of(string password, byte[] salt)
    {
        if (password.Length == 0 || password.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            throw new ArgumentException("a role's password must be one or more printable ASCII characters", nameof(password));
        var salted = Rfc2898DeriveBytes.Pbkdf2(Encoding.ASCII.GetBytes(password), salt, Iterations, HashAlgorithmName.SHA256, 32);
        var storedKey = SHA256.HashData(HMACSHA256.HashData(salted, "Client Key"u8));
        var serverKey = HMACSHA256.HashData(salted, "Server Key"u8);
        return $"SCRAM-SHA-256${Iterations}:{Convert.ToBase64String(salt)}${Convert.ToBase64String(storedKey)}:{Convert.ToBase64String(serverKey)}";
    }
}
