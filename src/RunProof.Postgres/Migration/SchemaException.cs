namespace RunProof.Postgres;

/// <summary>The database cannot be brought to, or is not at, the schema of this program. Retrying does not help: someone has to decide.</summary>
/// <param name="message">What is wrong and with what.</param>
/// <param name="inner">The server's own exception, or null.</param>
public sealed class SchemaException(string message, Exception? inner = null) : Exception(message, inner);
