using System.Globalization;

namespace RunProof.EmbeddedPostgres;

/// <summary>A user of this machine, as /etc/passwd has it.</summary>
internal sealed record UnixUser(string Name, uint Uid, uint Gid)
{
    /// <summary>Finds a user by name, or null.</summary>
    public static UnixUser? Find(string name, string passwd = "/etc/passwd")
    {
        if (!File.Exists(passwd))
            return null;
        foreach (var line in File.ReadLines(passwd))
        {
            var fields = line.Split(':');
            if (fields.Length >= 4 && fields[0] == name && uint.TryParse(fields[2], CultureInfo.InvariantCulture, out var uid)
                && uint.TryParse(fields[3], CultureInfo.InvariantCulture, out var gid))
                return new UnixUser(name, uid, gid);
        }
        return null;
    }

    /// <summary>
    /// Whom the server must run as, or null for the current user. PostgreSQL refuses root, so root gives its rights up for <c>postgres</c> or, where
    /// there is no such user, <c>nobody</c>.
    /// </summary>
    public static UnixUser? ForServer(string? wanted)
    {
        if (!Unix.IsRoot)
        {
            if (wanted is null || wanted == Environment.UserName)
                return null;
            throw new EmbeddedPostgresException(EmbeddedPostgresFailure.BinariesUnusable, $"Only root can run PostgreSQL as another user ('{wanted}').");
        }
        var user = wanted is null ? Find("postgres") ?? Find("nobody") : Find(wanted);
        return user is { Uid: not 0 } ? user : throw new EmbeddedPostgresException(EmbeddedPostgresFailure.BinariesUnusable,
            $"PostgreSQL refuses to run as root, and there is no user {(wanted is null ? "'postgres' or 'nobody'" : $"'{wanted}' other than root")} "
            + "to run it as: add one, or run this as an ordinary user.");
    }
}
