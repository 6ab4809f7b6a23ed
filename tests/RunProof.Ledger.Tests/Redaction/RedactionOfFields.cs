using System.Text;
using RunProof.Format;

namespace RunProof.Ledger.Tests;

public sealed class RedactionOfFields
{
    private static readonly Redactor Redactor = new();

    [Theory]
    [InlineData("password")]
    [InlineData("passwd")]
    [InlineData("pwd")]
    [InlineData("secret")]
    [InlineData("api_key")]
    [InlineData("apikey")]
    [InlineData("api-key")]
    [InlineData("token")]
    [InlineData("access_token")]
    [InlineData("refresh_token")]
    [InlineData("id_token")]
    [InlineData("auth_token")]
    [InlineData("authorization")]
    [InlineData("Proxy-Authorization")]
    [InlineData("bearer")]
    [InlineData("private_key")]
    [InlineData("privatekey")]
    [InlineData("privateKey")]
    [InlineData("ssh_key")]
    [InlineData("credentials")]
    [InlineData("cred")]
    [InlineData("ssn")]
    [InlineData("social_security")]
    [InlineData("credit_card")]
    [InlineData("creditcard")]
    [InlineData("card_number")]
    [InlineData("cvv")]
    [InlineData("cvc")]
    [InlineData("x-api-key")]
    [InlineData("X-API-Key")]
    [InlineData("client_secret")]
    [InlineData("clientSecret")]
    [InlineData("CLIENT-SECRET")]
    [InlineData("set-cookie")]
    [InlineData("Set-Cookie")]
    [InlineData("cookie")]
    [InlineData("session")]
    [InlineData("__password__")]
    public void A_member_with_a_telling_name_loses_its_value(string name)
    {
        var result = Redactor.Redact(Json($$"""{"{{name}}":"hunter2","user":"ada"}"""));

        Assert.Equal($$"""{"{{name}}":"<REDACTED>","user":"ada"}""", result.Payload.ToString());
        var removal = Assert.Single(result.Removals);
        Assert.Equal(name, removal.Place);
        Assert.StartsWith("name:", removal.Rule, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Authorization")]
    [InlineData("Proxy-Authorization")]
    [InlineData("X-Authorization")]
    [InlineData("Authentication")]
    [InlineData("Cookie")]
    [InlineData("Set-Cookie")]
    [InlineData("X-Api-Key")]
    [InlineData("Api-Key")]
    [InlineData("X-Goog-Api-Key")]
    [InlineData("x-functions-key")]
    [InlineData("Ocp-Apim-Subscription-Key")]
    [InlineData("X-Auth-Token")]
    [InlineData("X-Auth-Key")]
    [InlineData("X-Access-Token")]
    [InlineData("X-Forwarded-Access-Token")]
    [InlineData("X-Amz-Security-Token")]
    [InlineData("X-Vault-Token")]
    [InlineData("X-GitHub-Token")]
    [InlineData("PRIVATE-TOKEN")]
    [InlineData("JOB-TOKEN")]
    [InlineData("X-Session-Id")]
    [InlineData("X-Session-Token")]
    [InlineData("X-Csrf-Token")]
    [InlineData("X-Client-Secret")]
    [InlineData("X-Secret-Key")]
    public void A_header_that_carries_a_credential_loses_its_value(string name) => Assert.Equal(
        $$$"""{"headers":{"{{{name}}}":"<REDACTED>"},"method":"GET"}""", Text($$$"""{"headers":{"{{{name}}}":"hunter2"},"method":"GET"}"""));

    [Theory]
    [InlineData("Accept")]
    [InlineData("Content-Type")]
    [InlineData("ETag")]
    [InlineData("Idempotency-Key")]
    [InlineData("traceparent")]
    [InlineData("X-Request-Id")]
    public void A_header_that_carries_none_stays(string name) => Untouched($$$"""{"headers":{"{{{name}}}":"some-text"}}""");

    [Theory]
    [InlineData("1")]
    [InlineData("true")]
    [InlineData("1.5")]
    [InlineData("\"\"")]
    [InlineData("[\"a\",\"b\"]")]
    [InlineData("{\"user\":\"a\",\"x\":{\"y\":[1]}}")]
    public void Whatever_its_JSON_type(string value) =>
        Assert.Equal("""{"a":1,"token":"<REDACTED>","z":2}""", Redactor.Redact(Json($$"""{"a":1,"token":{{value}},"z":2}""")).Payload.ToString());

    [Fact]
    public void A_null_says_nothing_and_stays() => Untouched("""{"password":null,"token":null}""");

    [Theory]
    [InlineData("tokens")]
    [InlineData("max_tokens")]
    [InlineData("password_changed_at")]
    [InlineData("secretary")]
    [InlineData("sessions_total")]
    [InlineData("keyboard")]
    public void A_name_that_only_contains_one_stays(string name) => Untouched($$"""{"{{name}}":"12"}""");

    [Fact]
    public void The_listed_spelling_is_the_rule_and_the_place_is_the_payloads_own() =>
        Assert.Equal(
            [new Removal("headers.X-Api-Key", "name:x_api_key"), new Removal("items[1].odd.ApiKey", "name:api_key"), new Removal("items[2][0][\"a b\"].pwd", "name:pwd")],
            Redactor.Redact(Json("""{"headers":{"X-Api-Key":"k"},"items":[{"odd":1},{"odd":{"ApiKey":"k"}},[{"a b":{"pwd":"p"}}]]}""")).Removals);

    [Fact]
    public void Values_of_lists_and_of_the_root_are_looked_at_like_any_other()
    {
        Assert.Equal("""["<REDACTED:email>",["<REDACTED:email>"]]""", Text("""["ada@example.com",["b@example.org"]]"""));
        Assert.Equal("\"write to <REDACTED:email> now\"", Text("\"write to ada@example.com now\""));
    }

    [Fact]
    public void Nesting_deeper_than_twenty_hides_nothing()
    {
        var json = string.Concat(Enumerable.Repeat("{\"a\":[", 30)) + "{\"password\":\"x\"}" + string.Concat(Enumerable.Repeat("]}", 30));

        Assert.Contains("\"password\":\"<REDACTED>\"", Text(json), StringComparison.Ordinal);
    }

    [Fact]
    public void A_secret_that_is_a_member_name_goes_and_its_value_stays()
    {
        var result = Redactor.Redact(Json("""{"b":{"ada@example.com":3,"zoe@example.com":4},"z":1}"""));

        Assert.Equal("""{"b":{"<REDACTED:email>":3,"<REDACTED:email>#2":4},"z":1}""", result.Payload.ToString());
        Assert.Equal([new Removal("b[\"<REDACTED:email>\"]", "email"), new Removal("b[\"<REDACTED:email>#2\"]", "email")], result.Removals);
    }

    [Fact]
    public void A_redacted_name_is_put_where_canonical_order_wants_it() =>
        Assert.Equal("""{"<REDACTED:email>":2,"a":1,"z":{"<REDACTED:email>#2":5,"b":4}}""", Text("""{"a":1,"x@example.com":2,"z":{"b":4,"y@example.com":5}}"""));

    [Fact]
    public void A_name_that_looks_like_a_mark_already_is_no_trap() =>
        Assert.Equal("""{"<REDACTED:email>":1,"<REDACTED:email>#2":2}""", Text("""{"<REDACTED:email>":1,"ada@example.com":2}"""));

    [Fact]
    public void What_nothing_matches_in_comes_back_as_the_same_instance()
    {
        Untouched("""{"body":"Responsive is better than fast.","items":[1,2.5,true,null,"é"],"url":"https://api.example.com/v1/runs?limit=5"}""");
        Untouched("{}");
        Untouched("\"\"");
        Untouched("42");
    }

    [Theory]
    [InlineData("""{"password":"hunter2","text":"mail ada@example.com, card 4111 1111 1111 1111","url":"https://u:p@h.io/?token=abc&x=1"}""")]
    [InlineData("""{"$json":"{\"password\":1,\"password\":2}","zoe@example.com":1}""")]
    [InlineData("\"Authorization: Bearer abcdef0123456789\"")]
    public void Redacting_again_removes_nothing_more(string json)
    {
        var once = Redactor.Redact(Json(json));
        var twice = Redactor.Redact(once.Payload);

        Assert.NotEmpty(once.Removals);
        Assert.Empty(twice.Removals);
        Assert.Same(once.Payload, twice.Payload);
    }

    [Theory]
    [InlineData("""{"body":{"$json":"{\"a\": 1, \"a\": 2, \"password\" : \"hunter2\"}"}}""", """{"body":{"$json":"{\"a\": 1, \"a\": 2, \"password\" : \"<REDACTED>\"}"}}""", "body.$json.password", "name:password")]
    [InlineData("""{"body":{"$json":"{\"n\":12345678901234567890,\"by\":\"ada@example.com\"}"}}""", """{"body":{"$json":"{\"n\":12345678901234567890,\"by\":\"<REDACTED:email>\"}"}}""", "body.$json.by", "email")]
    [InlineData("""{"body":"{\"user\":{\"token\":[1,2]}}"}""", """{"body":"{\"user\":{\"token\":\"<REDACTED>\"}}"}""", "body.user.token", "name:token")]
    [InlineData("""{"body":"{\"pass\\u0077ord\":\"x\"}"}""", """{"body":"{\"pass\\u0077ord\":\"<REDACTED>\"}"}""", "body.password", "name:password")]
    [InlineData("""{"body":"{\"inner\":\"{\\\"secret\\\":\\\"x\\\"}\"}"}""", """{"body":"{\"inner\":\"{\\\"secret\\\":\\\"<REDACTED>\\\"}\"}"}""", "body.inner.secret", "name:secret")]
    [InlineData("""{"body":"{\"t\":\"a\\nghp_0123456789abcdefghijABCDEFGHIJ012345\"}"}""", """{"body":"{\"t\":\"a\\n<REDACTED:token:github>\"}"}""", "body.t", "token:github")]
    public void JSON_that_is_kept_as_text_is_looked_at_by_its_names_too(string json, string expected, string place, string rule)
    {
        var result = Redactor.Redact(Json(json));

        Assert.Equal(expected, result.Payload.ToString());
        Assert.Equal([new Removal(place, rule)], result.Removals);
    }

    [Fact]
    public void Text_that_is_kept_as_base64_is_looked_at_as_text()
    {
        var body = CanonicalJson.FromOutside("password=hunter2&to=ada%40example.com&cc=bob@example.com"u8, "application/x-www-form-urlencoded");

        var result = Redactor.Redact(body);

        var left = Convert.ToBase64String("password=<REDACTED:query:password>&to=ada%40example.com&cc=<REDACTED:email>"u8);
        Assert.Equal($$"""{"$base64":"{{left}}","$mediaType":"application/x-www-form-urlencoded"}""", result.Payload.ToString());
        Assert.Equal([new Removal("$base64", "query:password"), new Removal("$base64", "email")], result.Removals);
    }

    [Fact]
    public void Text_kept_as_base64_without_anything_to_remove_comes_back_as_the_same_instance()
    {
        var zen = CanonicalJson.FromOutside("Responsive is better than fast."u8, "text/plain");
        var binary = CanonicalJson.FromOutside([0, 255, 1, 254], "application/octet-stream");

        Assert.Same(zen, Redactor.Redact(zen).Payload);
        Assert.Same(binary, Redactor.Redact(binary).Payload);
    }

    [Fact]
    public void A_lone_surrogate_in_JSON_kept_as_text_stops_nothing() =>
        Assert.Equal(
            """{"$json":"{\"a\":\"\\ud800 <REDACTED:email>\",\"pwd\":\"<REDACTED>\"}"}""",
            Text("""{"$json":"{\"a\":\"\\ud800 ada@example.com\",\"pwd\":\"x\"}"}"""));

    private static CanonicalJson Json(string json) => CanonicalJson.FromCanonicalBytes(Encoding.UTF8.GetBytes(json));

    private static string Text(string json)
    {
        var result = Redactor.Redact(Json(json)).Payload.ToString();

        // What is recorded must be canonical, whatever was removed.
        Assert.Equal(Encoding.UTF8.GetString(Canonicalizer.Canonicalize(Encoding.UTF8.GetBytes(result), NumberRule.Exact)), result);
        return result;
    }

    private static void Untouched(string json)
    {
        var payload = Json(json);
        var result = Redactor.Redact(payload);

        Assert.Same(payload, result.Payload);
        Assert.Empty(result.Removals);
    }
}
