using RunProof.Format;

namespace RunProof.Skills;

/// <summary>Databases that an operator lets tenants ask, each under a name. Nothing that is asked can change them.</summary>
public interface IQuerySources
{
    /// <summary>Asks one question, in a transaction that can only read and is always rolled back.</summary>
    /// <param name="tenant">Who asks; a source that is not the tenant's is none.</param>
    /// <param name="query">The question.</param>
    /// <param name="cancellationToken">Gives up; the server is told.</param>
    /// <exception cref="SkillException">
    /// <c>unknown_source</c>, <c>source_refused</c> (the platform's own database, or a role that may do more than read), <c>connect_failed</c>, <c>timeout</c>,
    /// <c>result_too_large</c>, <c>sql_</c> and the server's SQLSTATE.
    /// </exception>
    /// <returns>The answer.</returns>
    Task<QueryAnswer> QueryAsync(TenantId tenant, SourceQuery query, CancellationToken cancellationToken);
}

/// <summary>A question.</summary>
/// <param name="Source">The source's name.</param>
/// <param name="Sql">One SELECT, VALUES or WITH that changes nothing, with <c>$1</c>, <c>$2</c>, … for the parameters.</param>
/// <param name="Parameters">Their texts, from which the server makes the type that it wants; null is NULL.</param>
/// <param name="MaxRows">Rows that are read; that there are more is said.</param>
/// <param name="MaxBytes">Bytes of all values, in UTF-8, beyond which the question fails.</param>
/// <param name="Timeout">Time for all of it; the source may have a shorter one.</param>
public sealed record SourceQuery(string Source, string Sql, IReadOnlyList<string?> Parameters, int MaxRows, int MaxBytes, TimeSpan Timeout);

/// <summary>An answer.</summary>
/// <param name="Columns">The columns, in order.</param>
/// <param name="Rows">The values of each row, in the order of the columns.</param>
/// <param name="Truncated">Whether there were more rows than were asked for.</param>
public sealed record QueryAnswer(IReadOnlyList<QueryColumn> Columns, IReadOnlyList<IReadOnlyList<CanonicalJson>> Rows, bool Truncated);

/// <summary>A column.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">The server's name of its type.</param>
public sealed record QueryColumn(string Name, string Type);
