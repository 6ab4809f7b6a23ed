using System.Buffers;
using System.Globalization;
using System.Text.Json;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.BuiltinSkills;

/// <summary>What to ask, and whom.</summary>
[Canonical(Name = "sql_query.parameters")]
public sealed partial record SqlQueryParameters
{
    /// <summary>The name that the operator gave the database.</summary>
    public required string Source { get; init; }

    /// <summary>One reading statement (SELECT, VALUES, WITH), with $1, $2, … where the parameters go.</summary>
    public required string Sql { get; init; }

    /// <summary>The parameters: strings, numbers, booleans and nulls, of which the server makes the type that it wants; objects and arrays as JSON.</summary>
    public IReadOnlyList<CanonicalJson> Parameters { get; init; } = [];

    /// <summary>Rows that are read at most, 1 to 10000; that there are more is no failure.</summary>
    public int MaxRows { get; init; } = 1_000;

    /// <summary>Bytes of all values, 1 to 16777216; more is a failure.</summary>
    public int MaxBytes { get; init; } = 1_048_576;

    /// <summary>Milliseconds for all of it, 1 to 300000; the source may have a lower limit.</summary>
    public int TimeoutMs { get; init; } = 20_000;
}

/// <summary>The answer.</summary>
[Canonical(Name = "sql_query.outcome")]
public sealed partial record SqlQueryOutcome
{
    /// <summary>The columns, in order.</summary>
    public required IReadOnlyList<SqlQueryColumn> Columns { get; init; }

    /// <summary>The rows, each an object by column name. What JSON has no exact form for is a string in the server's spelling: bigint, numeric, times, arrays.</summary>
    public required IReadOnlyList<CanonicalJson> Rows { get; init; }

    /// <summary>Whether there were more rows.</summary>
    public required bool Truncated { get; init; }
}

/// <summary>A column.</summary>
[Canonical(Name = "sql_query.column")]
public sealed partial record SqlQueryColumn
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The server's name of its type.</summary>
    public required string Type { get; init; }
}

/// <summary>Asks a configured PostgreSQL database one question; nothing that is asked can change it.</summary>
/// <remarks>
/// Times are UTC, bytea is base64. Failures: <c>invalid_parameters</c>, <c>unknown_source</c>, <c>source_refused</c>, <c>connect_failed</c>, <c>timeout</c>,
/// <c>result_too_large</c>, <c>duplicate_column</c>, and <c>sql_</c> with the server's SQLSTATE: <c>sql_42601</c> is what is no single reading statement,
/// <c>sql_25006</c> what would have changed something.
/// </remarks>
[Skill("sql_query", Version = "1.0.0", Idempotent = true, Replay = ReplayBehavior.Check)]
public sealed partial class SqlQuerySkill(IQuerySources sources)
{
    private const int LongestSql = 100_000;
    private const int MostParameters = 1_000;

    /// <summary>Asks.</summary>
    /// <param name="parameters">What.</param>
    /// <param name="context">The step: its tenant, and the clock that counts the timeout.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SkillException">It cannot be asked, or the server refuses.</exception>
    /// <exception cref="OperationCanceledException">The step timed out or the run was stopped.</exception>
    /// <returns>The answer.</returns>
    public async Task<SqlQueryOutcome> ExecuteAsync(SqlQueryParameters parameters, SkillContext context, CancellationToken cancellationToken)
    {
        var query = QueryOf(parameters);
        using var timeout = new CancellationTokenSource(query.Timeout, context.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var answer = await sources.QueryAsync(context.TenantId, query, either.Token).ConfigureAwait(false);
            return new SqlQueryOutcome
            {
                Columns = [.. answer.Columns.Select(column => new SqlQueryColumn { Name = column.Name, Type = column.Type })],
                Rows = RowsOf(answer),
                Truncated = answer.Truncated,
            };
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw Failed("timeout", string.Create(CultureInfo.InvariantCulture, $"no answer within {parameters.TimeoutMs} ms"), retryable: true);
        }
    }

    private static SourceQuery QueryOf(SqlQueryParameters parameters)
    {
        if (parameters.Sql.Length is 0 or > LongestSql || parameters.Sql.Contains('\0', StringComparison.Ordinal))
            throw Failed("invalid_parameters", "sql must be of 1 to 100000 characters, without U+0000");
        if (parameters.Parameters.Count > MostParameters)
            throw Failed("invalid_parameters", "there must be at most 1000 parameters");
        if (parameters.MaxRows is < 1 or > 10_000)
            throw Failed("invalid_parameters", "max_rows must be from 1 to 10000");
        if (parameters.MaxBytes is < 1 or > 16_777_216)
            throw Failed("invalid_parameters", "max_bytes must be from 1 to 16777216");
        if (parameters.TimeoutMs is < 1 or > 300_000)
            throw Failed("invalid_parameters", "timeout_ms must be from 1 to 300000");
        var texts = parameters.Parameters.Select(TextOf).ToArray();
        if (texts.Any(text => text?.Contains('\0', StringComparison.Ordinal) is true))
            throw Failed("invalid_parameters", "no parameter may hold U+0000: PostgreSQL has no such text");
        return new SourceQuery(parameters.Source, parameters.Sql, texts, parameters.MaxRows, parameters.MaxBytes, TimeSpan.FromMilliseconds(parameters.TimeoutMs));
    }

    private static string? TextOf(CanonicalJson value)
    {
        using var document = value.ToDocument();
        return document.RootElement.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.String => document.RootElement.GetString(),
            _ => value.ToString(),
        };
    }

    private static List<CanonicalJson> RowsOf(QueryAnswer answer)
    {
        var order = Enumerable.Range(0, answer.Columns.Count).OrderBy(i => answer.Columns[i].Name, StringComparer.Ordinal).ToArray();
        // The forms of what is no JSON (proof-format.md section 1, rules 2 and 3) are nobody's to make.
        if (answer.Columns.FirstOrDefault(column => column.Name is "$json" or "$base64") is { } reserved)
            throw Failed("duplicate_column", $"a column is called \"{reserved.Name}\", which means something else in evidence: give it another name with AS");
        for (var i = 1; i < order.Length; i++)
        {
            if (answer.Columns[order[i]].Name == answer.Columns[order[i - 1]].Name)
                throw Failed("duplicate_column", $"two columns are called \"{answer.Columns[order[i]].Name}\": give them names with AS");
        }

        return [.. answer.Rows.Select(row => RowOf(answer, row, order))];
    }

    private static CanonicalJson RowOf(QueryAnswer answer, IReadOnlyList<CanonicalJson> row, int[] order)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        var writer = new CanonicalWriter(buffer);
        for (var i = 0; i < order.Length; i++)
        {
            writer.WriteRaw(i == 0 ? "{"u8 : ","u8);
            writer.WriteString(answer.Columns[order[i]].Name);
            writer.WriteRaw(":"u8);
            writer.WriteJson(row[order[i]]);
        }

        writer.WriteRaw(order.Length == 0 ? "{}"u8 : "}"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    private static SkillException Failed(string code, string message, bool retryable = false) => new(new SkillFailure(code, message, retryable));
}
