using Microsoft.Extensions.DependencyInjection;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.BuiltinSkills.Tests;

/// <summary>The skill over a source that answers as it is told; <c>QuerySourceTests</c> has the real one and its walls.</summary>
public sealed class SqlQueries : IQuerySources
{
    private SourceQuery? _asked;
    private QueryAnswer _answer = new([new QueryColumn("n", "integer")], [[CanonicalJson.Parse("1"u8)]], false);

    public Task<QueryAnswer> QueryAsync(TenantId tenant, SourceQuery query, CancellationToken cancellationToken)
    {
        _asked = query;
        return Task.FromResult(_answer);
    }

    [Fact]
    public async Task A_row_is_an_object_by_column_name()
    {
        _answer = new([new("b", "text"), new("a", "jsonb"), new("é", "integer")], [[Json("\"x\""), Json("{\"c\":null}"), Json("3")]], true);

        var outcome = await CallAsync("""{"source":"shop","sql":"SELECT 1"}""");

        Assert.Equal(
            """{"columns":[{"name":"b","type":"text"},{"name":"a","type":"jsonb"},{"name":"é","type":"integer"}],"rows":[{"a":{"c":null},"b":"x","é":3}],"truncated":true}""",
            outcome.Outcome!.ToString());
        Assert.Equal(outcome.Outcome, CanonicalJson.Parse(outcome.Outcome.Bytes.Span));
    }

    [Fact]
    public async Task A_question_is_handed_on_with_its_limits_and_its_parameters_as_texts()
    {
        await CallAsync("""{"source":"shop","sql":"SELECT $1","parameters":["x",1.5,true,null,{"b":1,"a":2},[1]],"max_rows":5,"max_bytes":6,"timeout_ms":7}""");

        Assert.Equal(("shop", "SELECT $1", 5, 6, 7), (_asked!.Source, _asked.Sql, _asked.MaxRows, _asked.MaxBytes, (int)_asked.Timeout.TotalMilliseconds));
        Assert.Equal(["x", "1.5", "true", null, """{"a":2,"b":1}""", "[1]"], _asked.Parameters);
    }

    [Theory]
    [InlineData("""{"source":"s","sql":""}""")]
    [InlineData("""{"source":"s","sql":"SELECT '\u0000'"}""")]
    [InlineData("""{"source":"s","sql":"SELECT $1","parameters":["\u0000"]}""")]
    [InlineData("""{"source":"s","sql":"SELECT 1","max_rows":0}""")]
    [InlineData("""{"source":"s","sql":"SELECT 1","max_rows":10001}""")]
    [InlineData("""{"source":"s","sql":"SELECT 1","max_bytes":0}""")]
    [InlineData("""{"source":"s","sql":"SELECT 1","max_bytes":16777217}""")]
    [InlineData("""{"source":"s","sql":"SELECT 1","timeout_ms":0}""")]
    [InlineData("""{"source":"s","sql":"SELECT 1","timeout_ms":300001}""")]
    public async Task What_is_out_of_range_is_refused_unasked(string parameters)
    {
        Assert.Equal("invalid_parameters", (await CallAsync(parameters)).Failure?.Code);
        Assert.Null(_asked);
    }

    [Theory]
    [InlineData("n", "n")]
    [InlineData("$json")]
    [InlineData("$base64", "x")]
    public async Task Columns_that_no_object_can_hold_are_refused(params string[] names)
    {
        _answer = new([.. names.Select(name => new QueryColumn(name, "text"))], [[.. names.Select(_ => Json("1"))]], false);

        Assert.Equal("duplicate_column", (await CallAsync("""{"source":"s","sql":"SELECT 1"}""")).Failure?.Code);
    }

    private static CanonicalJson Json(string text) => CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes(text));

    private Task<SkillOutcome> CallAsync(string parameters) =>
        SkillHarness.CallAsync("sql_query", parameters, new BuiltinSkillsOptions(), more: services => services.AddSingleton<IQuerySources>(this));
}
