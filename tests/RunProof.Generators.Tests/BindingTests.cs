using System.Text;
using System.Text.Json;
using RunProof.Format;
using RunProof.Generators.Tests.Samples;
using RunProof.Skills;

namespace RunProof.Generators.Tests;

/// <summary>Generated binders: what a caller's JSON becomes, and what is said of JSON that does not fit.</summary>
public sealed class BindingTests
{
    private const string Full =
        """
        {"url":"u","shade":"light_grey","factor":2,"price":"1.50","limit":7,"flag":false,"word":"w","times":9,"reason":"r","tags":["a"],"comment":"c","greeting":"g","timeout":"1000001","must":1}
        """;

    private const string AllScalars =
        """
        {"text":"t","flag":true,"tiny":-1,"octet":1,"short":2,"u_short":3,"number":4,"u_number":5,"long":"6","u_long":7,"huge":"-8","u_huge":"9","amount":0.5,"single":0.5,
         "double":1e3,"shade":"DARK","time":"2026-02-10T14:43:41.5494309+02:00","id":"89CEEABA-1aa4-42ad-b93e-4bdcd72d75b6","bytes":"+/8A","memory":"","duration":-1,"json":{"b":1,"a":2},"seed":-1,"run_id":"r"}
        """;

    [Fact]
    public void Every_kind_of_scalar_is_bound() => Assert.Equal(
        """{"amount":"0.5","bytes":"+/8A","double":1000,"duration":"-1","flag":true,"huge":"-8","id":"89ceeaba-1aa4-42ad-b93e-4bdcd72d75b6","json":{"a":2,"b":1},"long":"6","memory":"","number":4,"octet":1,"run_id":"r","seed":-1,"shade":"DARK","short":2,"single":0.5,"text":"t","time":"2026-02-10T12:43:41.549430Z","tiny":-1,"u_huge":"9","u_long":"7","u_number":5,"u_short":3}""",
        Bytes(Bind<Scalars>(AllScalars)));

    [Fact]
    public void What_is_written_can_be_bound_and_is_the_same()
    {
        Assert.Equal(Bytes(Values.Scalars), Bytes(Bind<Scalars>(Bytes(Values.Scalars))));
        Assert.Equal(Bytes(Values.Absent), Bytes(Bind<Absent>(Bytes(Values.Absent))));
        Assert.Equal(Bytes(Values.Order), Bytes(Bind<Order>(Bytes(Values.Order))));
        Assert.Equal(Bytes(Values.Collections), Bytes(Bind<Collections>(Bytes(Values.Collections))));
        Assert.Equal(Values.Dog, Bind<Dog>(Bytes(Values.Dog)));
        Assert.Equal(new Nothing(), Bind<Nothing>("{}"));
        Assert.Equal(new Outer.Between.Inner(3), Bind<Outer.Between.Inner>("""{"class":3}"""));
    }

    [Fact]
    public void All_members_may_be_given_in_any_order()
    {
        var bound = Bind<Defaults>(Full);
        Assert.Equal(
            """{"comment":"c","factor":2,"flag":false,"greeting":"g","limit":"7","must":1,"price":"1.5","reason":"r","shade":"light_grey","tags":["a"],"timeout":"1000001","times":9,"url":"u","word":"w"}""",
            Bytes(bound));
    }

    [Fact]
    public void Missing_members_keep_the_records_own_defaults()
    {
        var bound = Bind<Defaults>("""{"url":"u","must":1}""");
        Assert.Equal(Bytes(new Defaults("u") { Must = 1, Reason = null }), Bytes(bound));
        Assert.Equal("hello", bound.Greeting);
        Assert.Equal(TimeSpan.FromSeconds(30), bound.Timeout);
    }

    [Fact]
    public void Null_is_a_value_of_a_nullable_member_even_where_it_has_a_default() =>
        Assert.Null(Bind<Defaults>("""{"url":"u","must":1,"greeting":null}""").Greeting);

    [Theory]
    [InlineData("""[]""", "p", "expected an object, got an array")]
    [InlineData("""null""", "p", "expected an object, got null")]
    [InlineData("""{"must":1}""", "p.url", "missing; expected a string")]
    [InlineData("""{"url":"u"}""", "p.must", "missing; expected an integer")]
    [InlineData("""{"url":"u","must":1,"Must":1}""", "p.Must", "unknown member; known are comment, factor, flag, greeting, limit, must, price, reason, shade, tags, timeout, times, url, word")]
    [InlineData("""{"url":"u","must":1,"a b.c":1}""", "p[\"a b.c\"]", "unknown member; known are comment, factor, flag, greeting, limit, must, price, reason, shade, tags, timeout, times, url, word")]
    [InlineData("""{"url":"u","must":1,"must":1}""", "p.must", "is given twice")]
    [InlineData("""{"url":"u","must":1,"m\u0075st":1}""", "p.must", "is given twice")]
    [InlineData("""{"url":null,"must":1}""", "p.url", "expected a string, got null")]
    [InlineData("""{"url":1,"must":1}""", "p.url", "expected a string, got a number")]
    [InlineData("""{"url":"\ud800","must":1}""", "p.url", "the string holds a lone surrogate, which has no canonical form")]
    [InlineData("""{"\ud800":1}""", "p", "a member's name holds a lone surrogate")]
    [InlineData("""{"url":"u","must":"1"}""", "p.must", "expected an integer, got a string")]
    [InlineData("""{"url":"u","must":1.5}""", "p.must", "expected an integer, got something else")]
    [InlineData("""{"url":"u","must":2147483648}""", "p.must", "expected an integer from -2147483648 to 2147483647, got one out of range")]
    [InlineData("""{"url":"u","must":1e999999999}""", "p.must", "expected an integer from -2147483648 to 2147483647, got one out of range")]
    [InlineData("""{"url":"u","must":1,"times":null}""", "p.times", "expected an integer, got null")]
    [InlineData("""{"url":"u","must":1,"flag":"true"}""", "p.flag", "expected true or false, got a string")]
    [InlineData("""{"url":"u","must":1,"factor":"1"}""", "p.factor", "expected a number, got a string")]
    [InlineData("""{"url":"u","must":1,"factor":1e400}""", "p.factor", "the number is out of a double's range")]
    [InlineData("""{"url":"u","must":1,"price":true}""", "p.price", "expected a decimal number, as a string or a number, got true")]
    [InlineData("""{"url":"u","must":1,"price":"1,5"}""", "p.price", "expected a decimal number, got another string")]
    [InlineData("""{"url":"u","must":1,"price":0.12345678901234567890123456789}""", "p.price", "the number does not fit a decimal exactly (28 to 29 significant digits, at most 28 after the point)")]
    [InlineData("""{"url":"u","must":1,"price":79228162514264337593543950336}""", "p.price", "the number does not fit a decimal exactly (28 to 29 significant digits, at most 28 after the point)")]
    [InlineData("""{"url":"u","must":1,"limit":"9223372036854775808"}""", "p.limit", "expected an integer from -9223372036854775808 to 9223372036854775807, got one out of range")]
    [InlineData("""{"url":"u","must":1,"limit":" 5"}""", "p.limit", "expected an integer, got something else")]
    [InlineData("""{"url":"u","must":1,"timeout":"922337203685477581"}""", "p.timeout", "the duration is out of range")]
    [InlineData("""{"url":"u","must":1,"shade":"dark"}""", "p.shade", "expected one of DARK, light_grey, got another string of 4 characters")]
    [InlineData("""{"url":"u","must":1,"shade":7}""", "p.shade", "expected a string, got a number")]
    [InlineData("""{"url":"u","must":1,"tags":"a"}""", "p.tags", "expected an array, got a string")]
    [InlineData("""{"url":"u","must":1,"tags":["a",null]}""", "p.tags[1]", "expected a string, got null")]
    public void What_does_not_fit_is_refused_at_its_place(string json, string place, string reason)
    {
        var thrown = Assert.Throws<JsonBindingException>(() => Bind<Defaults>(json));
        Assert.Equal((place, reason), (thrown.Place, thrown.Reason));
    }

    [Theory]
    [InlineData("\"2026-02-10T12:43:41\"", "p.time", "expected a time like 2026-02-10T12:43:41.549430Z, got another string")]
    [InlineData("\"2026-02-30T12:43:41Z\"", "p.time", "expected a time like 2026-02-10T12:43:41.549430Z, got another string")]
    [InlineData("1", "p.time", "expected a time like 2026-02-10T12:43:41.549430Z, got a number")]
    public void A_time_names_its_offset(string time, string place, string reason)
    {
        var thrown = Assert.Throws<JsonBindingException>(() => Bind<Absent>("{\"time\":" + time + "}"));
        Assert.Equal((place, reason), (thrown.Place, thrown.Reason));
    }

    [Theory]
    [InlineData("""{"id":"{89ceeaba-1aa4-42ad-b93e-4bdcd72d75b6}"}""", "p.id", "expected a GUID like 89ceeaba-1aa4-42ad-b93e-4bdcd72d75b6, got another string")]
    [InlineData("""{"bytes":"+_8A"}""", "p.bytes", "expected base64 text, got another string")]
    [InlineData("""{"run_id":"with space"}""", "p.run_id", "expected a well-formed RunId, got a string")]
    [InlineData("""{"run_id":"\udc00"}""", "p.run_id", "the string holds a lone surrogate, which has no canonical form")]
    [InlineData("""{"run_id":5}""", "p.run_id", "expected a well-formed RunId, got a number")]
    public void Ill_formed_scalars_are_refused(string json, string place, string reason)
    {
        var thrown = Assert.Throws<JsonBindingException>(() => Bind<Absent>(json));
        Assert.Equal((place, reason), (thrown.Place, thrown.Reason));
    }

    [Theory]
    [InlineData("""{"items":[{"SKU":"a"},{"SKU":"b"},{"name":"c"}],"labels":{}}""", "p.items[2].name", "unknown member; known are SKU, count")]
    [InlineData("""{"items":[{"SKU":"a"},{"count":1}],"labels":{}}""", "p.items[1].SKU", "missing; expected a string")]
    [InlineData("""{"items":[],"labels":{"a.b":1}}""", "p.labels[\"a.b\"]", "expected a string, got a number")]
    [InlineData("""{"items":[],"labels":{"a":"1","\u0061":"2"}}""", "p.labels.a", "is given twice")]
    [InlineData("""{"items":[],"labels":{},"gift":{"SKU":3}}""", "p.gift.SKU", "expected a string, got a number")]
    public void A_nested_place_is_named_whole(string json, string place, string reason)
    {
        var thrown = Assert.Throws<JsonBindingException>(() => Bind<Order>(json));
        Assert.Equal((place, reason), (thrown.Place, thrown.Reason));
    }

    [Fact]
    public void A_place_at_the_top_has_no_point_before_it()
    {
        using var document = JsonDocument.Parse("{}");
        Assert.Equal("message", Assert.Throws<JsonBindingException>(() => EchoOutcome.BindJson(document.RootElement, "")).Place);
    }

    [Theory]
    [InlineData("1", "1")]
    [InlineData("1.0", "1")]
    [InlineData("10e-1", "1")]
    [InlineData("-0", "0")]
    [InlineData("1.5e3", "1500")]
    [InlineData("-2147483648", "-2147483648")]
    public void A_whole_number_may_be_spelled_in_any_way(string json, string number) =>
        Assert.Contains($"\"number\":{number},", Bytes(Bind<Absent>("{\"number\":" + json + "}")), StringComparison.Ordinal);

    [Theory]
    [InlineData("\"0.10\"", "0.1")]
    [InlineData("1e2", "100")]
    [InlineData("-0.00", "0")]
    [InlineData("79228162514264337593543950335", "79228162514264337593543950335")]
    [InlineData("\"0.0000000000000000000000000001\"", "0.0000000000000000000000000001")]
    [InlineData("1e28", "10000000000000000000000000000")]
    public void A_decimal_is_bound_exactly(string json, string amount) =>
        Assert.Contains($"\"amount\":\"{amount}\",", Bytes(Bind<Absent>("{\"amount\":" + json + "}")), StringComparison.Ordinal);

    [Fact]
    public void JSON_from_outside_is_recorded_by_its_own_rules() => Assert.Contains(
        "\"json\":{\"$json\":\"{\\\"a\\\": 12345678901234567890}\"}",
        Bytes(Bind<Absent>("""{"json": {"a": 12345678901234567890}}""")), StringComparison.Ordinal);

    private static T Bind<T>(string json)
        where T : IJsonBound<T>
    {
        using var document = JsonDocument.Parse(json);
        return T.BindJson(document.RootElement, "p");
    }

    private static string Bytes<T>(T value)
        where T : ICanonical<T> => Encoding.UTF8.GetString(CanonicalBytes.Of(value));
}
