using System.Net.Sockets;
using Npgsql;
using RunProof.Ledger;
using RunProof.Postgres;

namespace RunProof.Cli;

/// <summary>The database that a command was pointed to.</summary>
internal static class Database
{
    private const string Remedy = "give --database or set ConnectionStrings__runproofdb, for example \"Host=localhost;Database=runproofdb;Username=postgres;Password=…\"";

    /// <summary>The connection string as it is used: fit for a pooler in transaction mode, as the services' own.</summary>
    /// <param name="invocation">The command.</param>
    /// <exception cref="CommandException">There is none, or it is none.</exception>
    internal static NpgsqlConnectionStringBuilder ConnectionOf(Invocation invocation)
    {
        var world = invocation.World;
        var text = invocation.Get(GlobalOptions.Database) ?? world.Variable("ConnectionStrings__runproofdb") ?? throw CommandException.Usage("where is the database?", Remedy);
        NpgsqlConnectionStringBuilder connection;
        try
        {
            connection = new NpgsqlConnectionStringBuilder(text);
        }
        catch (Exception problem) when (problem is ArgumentException or FormatException)
        {
            // The message of the driver may quote the text, and with it a password.
            throw CommandException.Usage("that is not an Npgsql connection string", Remedy);
        }

        connection.Username = world.Variable("RunProof__Database__Username") ?? connection.Username;
        connection.Password = world.Variable("RunProof__Database__Password") ?? connection.Password;
        connection.MaxAutoPrepare = 0;
        connection.NoResetOnClose = true;
        connection.Multiplexing = false;
        connection.ApplicationName ??= "runproof";
        return connection;
    }

    /// <summary>Does something with the database; what it refuses becomes a line and a remedy.</summary>
    /// <typeparam name="T">What comes of it.</typeparam>
    /// <param name="invocation">The command.</param>
    /// <param name="work">What.</param>
    /// <exception cref="CommandException">The database cannot be reached, or refuses.</exception>
    internal static async Task<T> UseAsync<T>(Invocation invocation, Func<NpgsqlDataSource, Task<T>> work)
    {
        var connection = ConnectionOf(invocation);
        await using var source = NpgsqlDataSource.Create(connection);
        return await TranslateAsync(connection, () => work(source));
    }

    /// <summary>Turns what the driver throws into a line and a remedy.</summary>
    /// <typeparam name="T">What comes of it.</typeparam>
    /// <param name="connection">Where.</param>
    /// <param name="work">What.</param>
    /// <exception cref="CommandException">The database cannot be reached, or refuses.</exception>
    internal static async Task<T> TranslateAsync<T>(NpgsqlConnectionStringBuilder connection, Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (SchemaException problem)
        {
            throw new CommandException(ExitCode.Error, "schema", problem.Message, "runproof db status shows what was applied");
        }
        catch (NpgsqlException problem)
        {
            throw Explain(connection, problem);
        }
        catch (LogStoreException problem)
        {
            throw problem.InnerException is NpgsqlException inner ? Explain(connection, inner) : new CommandException(ExitCode.Error, "database", problem.Message);
        }
        catch (Exception problem) when (problem is SocketException or TimeoutException)
        {
            throw Unreachable(connection, problem.Message);
        }
    }

    /// <summary>Where it is, without its password.</summary>
    /// <param name="connection">The connection.</param>
    internal static string Describe(NpgsqlConnectionStringBuilder connection) =>
        FormattableString.Invariant($"{connection.Username}@{connection.Host}:{connection.Port}/{connection.Database ?? connection.Username}");

    /// <summary>What the driver threw, as a line and a remedy.</summary>
    /// <param name="connection">Where.</param>
    /// <param name="problem">What it threw.</param>
    internal static CommandException Explain(NpgsqlConnectionStringBuilder connection, NpgsqlException problem) => problem switch
    {
        PostgresException { SqlState: "28P01" or "28000" } refused => new(
            ExitCode.NotAuthorized, "database_login", $"PostgreSQL does not let {Describe(connection)} in: {refused.MessageText}", "check user and password of the connection string"),
        PostgresException { SqlState: "42501" } refused => new(
            ExitCode.NotAuthorized, "database_privilege", $"{Describe(connection)} may not do that: {refused.MessageText}", "this needs the database's owner or an administrator"),
        PostgresException { SqlState: "3D000" } refused => new(ExitCode.Error, "no_database", refused.MessageText, $"create it: CREATE DATABASE {connection.Database}"),
        PostgresException { SqlState: "42P01" or "3F000" or "42883" } refused => new(
            ExitCode.Error, "schema", $"the database has not this program's schema: {refused.MessageText}", "runproof db migrate brings it there"),
        PostgresException refused => new(ExitCode.Error, "database", $"PostgreSQL refused: {refused.SqlState} {refused.MessageText}"),
        _ => Unreachable(connection, problem.InnerException?.Message ?? problem.Message),
    };

    private static CommandException Unreachable(NpgsqlConnectionStringBuilder connection, string why) => new(
        ExitCode.Error, "database_unreachable", $"cannot reach PostgreSQL at {Describe(connection)}: {why}", "is it running, and is that its address? runproof doctor says what is missing");
}
