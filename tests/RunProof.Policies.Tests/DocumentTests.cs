using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace RunProof.Policies.Tests;

public sealed class DocumentTests
{
    private const string Yaml =
        """
        # Spending, and who may be called.
        policy: spend-guard
        version: "1.2"
        description: Keeps agents from spending.
        default: allow
        rules:
          - id: hosts
            when: { skill: [http_call, webhook_send], host: "*.internal" }
            effect: deny
            reason: no calls into the house
            on_block: continue
          - id: few
            when:
              skill: llm_*
              cost_cents: { gte: 12.5 }
            effect: limit
            limit: { calls: 3, timeout_ms: 1000 }
          - id: cards
            effect: redact
            redact: [params.card, 'outcome.items[*]["odd name"]']
        """;

    private const string Json =
        """
        {"rules":[{"reason":"no calls into the house","effect":"deny","on_block":"continue","id":"hosts","when":{"host":"*.internal","skill":["http_call","webhook_send"]}},
         {"id":"few","when":{"skill":"llm_*","cost_cents":{"gte":1.25e1}},"effect":"limit","limit":{"calls":3,"timeout_ms":1000}},
         {"id":"cards","effect":"redact","redact":["params.card","outcome.items[*][\"odd name\"]"]}],
         "default":"allow","description":"Keeps agents from spending.","version":"1.2","policy":"spend-guard"}
        """;

    [Fact]
    public void The_same_document_in_yaml_and_json_has_one_digest_and_it_is_that_of_its_canonical_json()
    {
        // Written by hand, by the rules of RFC 8785.
        const string Canonical =
            """{"default":"allow","description":"Keeps agents from spending.","policy":"spend-guard","rules":[{"effect":"deny","id":"hosts","on_block":"continue","reason":"no calls into the house","when":{"host":"*.internal","skill":["http_call","webhook_send"]}},{"effect":"limit","id":"few","limit":{"calls":3,"timeout_ms":1000},"when":{"cost_cents":{"gte":12.5},"skill":"llm_*"}},{"effect":"redact","id":"cards","redact":["params.card","outcome.items[*][\"odd name\"]"]}],"version":"1.2"}""";
        var expected = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Canonical)));
        Assert.Equal(expected, Policy.Read(Yaml).Digest.ToString());
        Assert.Equal(expected, Policy.Read(Json).Digest.ToString());
        Assert.Equal(expected, PolicyReader.Read(Encoding.UTF8.GetBytes("\uFEFF" + Yaml.ReplaceLineEndings("\r\n"))).Policy!.Digest.ToString());
    }

    [Fact]
    public void Everything_that_is_wrong_is_said_at_once_with_its_line_and_place()
    {
        var errors = PolicyReader.Read(
            """
            policy: Spend Guard
            version: 1.0
            colour: red
            rules:
              - id: a
                effect: denied
              - id: b
                effect: deny
                when: { skil: x, cost_cents: 5, params: { "a..b": 1, c: { gt: much } }, time: { days: [monday], between: ["9:00", "17:00"], zone: Mars/Base } }
              - id: b
                effect: redact
                reason: r
                on_block: halt
                redact: [params, body.x, "params.a["]
              - effect: limit
                limit: { calls: -1, timeout_ms: 0.5 }
              - deny
            """).Errors;
        Assert.Equal(
            [
                "line 1, default: is missing: one of allow, deny",
                "line 1, policy: must be 1 to 64 of a-z 0-9 . _ -",
                "line 2, version: must be a text: write it in quotes, \"1.0\"",
                "line 3, colour: is not a member here; there are: policy, version, description, rules, default",
                "line 6, rules[0].effect: must be one of allow, redact, limit, require_approval, deny",
                "line 7, rules[1].reason: is missing: say why, for whoever reads the evidence",
                "line 9, rules[1].when.skil: is not a member here; there are: skill, params, host, data_class, agent, tenant, planner, cost_cents, tokens, duration_ms, time",
                "line 9, rules[1].when.cost_cents: must be a map, not a number",
                "line 9, rules[1].when.params.a..b: the path has no name at character 3",
                "line 9, rules[1].when.params.c.gt: must be a number",
                "line 9, rules[1].when.time.days[0]: must be one of sun, mon, tue, wed, thu, fri, sat",
                "line 9, rules[1].when.time.between[0]: must be a time of day in quotes, as \"09:00\"; midnight is \"00:00\"",
                "line 9, rules[1].when.time.zone: \"Mars/Base\" is no time zone of this machine; write it as Europe/Vienna or UTC",
                "line 10, rules[2].id: \"b\" is the id of an earlier rule",
                "line 13, rules[2].on_block: has no effect where the effect is redact: nothing is blocked",
                "line 14, rules[2].redact[0]: must begin with params or outcome, and go on: params.headers.authorization, outcome.items[*].email",
                "line 14, rules[2].redact[1]: must begin with params or outcome, and go on: params.headers.authorization, outcome.items[*].email",
                "line 14, rules[2].redact[2]: has a [ at character 2 that is not closed",
                "line 15, rules[3].id: is missing",
                "line 16, rules[3].limit.calls: must be an integer from 0 to 1000000",
                "line 16, rules[3].limit.timeout_ms: must be an integer from 1 to 3600000",
                "line 17, rules[4]: must be a map, not a text",
            ],
            errors.Select(error => error.ToString()));
    }

    [Theory]
    [InlineData("", "line 1: the document is empty")]
    [InlineData("policy: [", "line 2: not YAML")]
    [InlineData("a: 1\na: 2", "line 2: \"a\" is given twice")]
    [InlineData("{\"a\": 1,\n \"a\": 2}", "line 2: \"a\" is given twice")]
    [InlineData("{\"a\": 1,\n \"b: 2}", "line 2: not JSON")]
    [InlineData("a: &x 1\nb: *x", "line 1: anchors and aliases are not read")]
    [InlineData("a: !!int '1'", "line 1: tags are not read")]
    [InlineData("a: 1\n---\nb: 2", "line 2: a second document begins here")]
    [InlineData("a: 0x1F", "line 1: write the number 0x1F in plain decimal")]
    [InlineData("a: 012", "line 1: write the number 012 in plain decimal")]
    [InlineData("a: .inf", "line 1: write the number .inf in plain decimal")]
    [InlineData("- a", "line 1: must be a map, not a list")]
    [InlineData("? [a]\n: 1", "line 1: a member's name must be a plain text")]
    public void What_cannot_be_read_is_refused_where_it_stands(string document, string expected) =>
        Assert.StartsWith(expected, PolicyReader.Read(document).Errors[0].ToString(), StringComparison.Ordinal);

    [Fact]
    public void Words_that_older_yaml_takes_for_booleans_and_times_are_texts()
    {
        var policy = Policy.Read("policy: yes\nversion: on\ndefault: deny\ndescription: 12:30:45\nrules: []");
        Assert.Equal(("yes", "on", "12:30:45"), (policy.Name, policy.Version, policy.Description));
    }

    [Fact]
    public void A_document_may_nest_as_deep_as_32_levels_and_be_256_KiB_long()
    {
        Assert.Contains("nests deeper", PolicyReader.Read("a: " + new string('[', 40) + new string(']', 40)).Errors[0].Message, StringComparison.Ordinal);
        Assert.Contains("not JSON", PolicyReader.Read("{\"a\": " + new string('[', 4000) + new string(']', 4000) + "}").Errors[0].Message, StringComparison.Ordinal);
        Assert.Contains("at most 262144", PolicyReader.Read(new byte[PolicyReader.MaxBytes + 1]).Errors[0].Message, StringComparison.Ordinal);
        Assert.Contains("not UTF-8", PolicyReader.Read([0x61, 0xFF]).Errors[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_number_that_no_double_keeps_is_refused_and_may_be_written_as_text()
    {
        var refused = PolicyReader.Read("policy: p\nversion: '1'\ndefault: allow\nrules: [{id: a, effect: deny, reason: r, when: {cost_cents: {gt: 0.12345678901234567890}}}]");
        Assert.Contains(refused.Errors, error => error.Message.Contains("cannot be kept exactly", StringComparison.Ordinal));
        Policy.Of("{id: a, effect: deny, reason: r, when: {cost_cents: {gt: '0.12345678901234567890'}}}");
    }

    [Fact]
    public void Hostile_text_never_throws()
    {
        var random = new Random(7);
        const string Alphabet = "{}[]:,-?&*!|>'\"%@`# \n\t\\abc01.~\u0000\u0085\u2028<=";
        for (var i = 0; i < 20_000; i++)
        {
            var text = string.Create(random.Next(1, 40), random, (span, r) =>
            {
                for (var j = 0; j < span.Length; j++)
                    span[j] = Alphabet[r.Next(Alphabet.Length)];
            });
            Assert.NotEmpty(PolicyReader.Read(text).Errors);
        }
    }

    [Fact]
    public void The_schema_is_json_and_knows_every_member_that_the_reader_knows()
    {
        using var schema = JsonDocument.Parse(PolicyReader.Schema());
        var known = PolicyReader.Read("x: 1").Errors.Single(error => error.Place == "x").Message.Split("there are: ")[1].Split(", ");
        Assert.Equal(known.Order(StringComparer.Ordinal), Names(schema.RootElement.GetProperty("properties")));
        var rule = PolicyReader.Read("rules: [{x: 1}]").Errors.Single(error => error.Place == "rules[0].x").Message.Split("there are: ")[1].Split(", ");
        Assert.Equal(rule.Order(StringComparer.Ordinal), Names(schema.RootElement.GetProperty("$defs").GetProperty("rule").GetProperty("properties")));
        var when = PolicyReader.Read("rules: [{when: {x: 1}}]").Errors.Single(error => error.Place == "rules[0].when.x").Message.Split("there are: ")[1].Split(", ");
        Assert.Equal(when.Order(StringComparer.Ordinal), Names(schema.RootElement.GetProperty("$defs").GetProperty("when").GetProperty("properties")));
    }

    private static IEnumerable<string> Names(JsonElement map) => map.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal);
}
