using RunProof.Ledger;
using static RunProof.Policies.Tests.Policy;

namespace RunProof.Policies.Tests;

public sealed class EvaluationTests
{
    private const string Deny = "{id: no, effect: deny, reason: because, when: %}";

    public static TheoryData<string, string, bool> Conditions => new()
    {
        { "{skill: pay}", """{}""", true },
        { "{skill: ['x', 'p?y']}", "{}", true },
        { "{skill: Pay}", "{}", false },
        { "{agent: 'agent-*', tenant: acme, planner: given}", "{}", true },
        { "{agent: other}", "{}", false },
        { "{tenant: 'acm'}", "{}", false },
        { "{params: {amount: 5}}", """{"amount":5.0}""", true },
        { "{params: {amount: 5}}", """{"amount":"5"}""", false },
        { "{params: {amount: {gt: 100}}}", """{"amount":100.01}""", true },
        { "{params: {amount: {gt: 100}}}", """{"amount":"100.01"}""", true },
        { "{params: {amount: {gt: 100}}}", """{"amount":100}""", false },
        { "{params: {amount: {gte: 1, lt: 2}}}", """{"amount":1.5}""", true },
        { "{params: {amount: {gte: 1, lt: 2}}}", """{"amount":2}""", false },
        { "{params: {amount: {gt: 100}}}", """{"amount":null}""", false },
        { "{params: {'items[*].price': {gt: 10}}}", """{"items":[{"price":1},{"price":11}]}""", true },
        { "{params: {'items[0].price': {gt: 10}}}", """{"items":[{"price":1},{"price":11}]}""", false },
        { "{params: {'headers.*': {contains: secret}}}", """{"headers":{"a":"x","b":"a secret"}}""", true },
        { "{params: {'[\"odd.name\"].x': true}}", """{"odd.name":{"x":true}}""", true },
        { "{params: {method: [POST, PUT]}}", """{"method":"PUT"}""", true },
        { "{params: {method: {not_in: [GET, HEAD]}}}", """{"method":null}""", true },
        { "{params: {method: {not_equals: GET}}}", """{"method":"GET"}""", false },
        { "{params: {to: {glob: '*@example.com'}}}", """{"to":"a@example.com"}""", true },
        { "{params: {to: {not_glob: ['*@example.com', '*@example.org']}}}", """{"to":"a@evil.example"}""", true },
        { "{params: {sql: {regex: '(?i)\\bdrop\\s+table\\b'}}}", """{"sql":"select 1; DROP  TABLE x"}""", true },
        { "{params: {sql: {regex: '^select'}}}", """{"sql":"delete"}""", false },
        { "{params: {force: {exists: false}}}", """{}""", true },
        { "{params: {force: {exists: true}}}", """{"force":null}""", true },
        { "{params: {shape: {equals: {a: [1, 2]}}}}", """{"shape":{"a":[1,2.0]}}""", true },
        { "{params: {tags: {contains: red}}}", """{"tags":["blue","red"]}""", true },
        { "{host: '*.internal'}", """{"url":"https://DB.Internal./x"}""", true },
        { "{host: '*.internal'}", """{"deep":[{"u":"https://user:pw@db.internal:8443/?q=1"}]}""", true },
        { "{host: good.example}", """{"url":"http://good.example@evil.example/"}""", false },
        { "{host: 127.0.0.1}", """{"url":"http://2130706433/"}""", true },
        { "{host: 127.0.0.1}", """{"url":"http://0x7f.1/"}""", true },
        { "{host: 'xn--*'}", """{"url":"http://bücher.example/"}""", true },
        { "{host: '*'}", """{"url":"no url: at all"}""", false },
        { "{data_class: email}", """{"text":"write to ada@example.com"}""", true },
        { "{data_class: 'token:*'}", """{"text":"ghp_abcdefghijklmnopqrstuvwxyz0123456789"}""", true },
        { "{data_class: card}", """{"text":"hello"}""", false },
        { "{params: {'body.amount': {gt: 100}}}", """{"body":{"$json":"{\"amount\":100.00000000000000000001}"}}""", true },
        { "{params: {'body.amount': {gt: 100}}}", """{"body":{"$json":"{\"amount\":1,\"amount\":101}"}}""", true },
        { "{host: evil.example}", """{"body":{"$json":"{\"u\":\"http://evil.example/\",\"n\":12345678901234567890}"}}""", true },
        { "{skill: pay, params: {amount: {gt: 100}}}", """{"amount":1}""", false },
    };

    [Theory]
    [MemberData(nameof(Conditions))]
    public async Task A_rule_applies_where_all_its_conditions_hold(string when, string parameters, bool applies)
    {
        var decision = await DecideAsync("pay", parameters, Of(Deny.Replace("%", when, StringComparison.Ordinal)));
        Assert.Equal(applies ? StepDecisionKind.Denied : StepDecisionKind.Allowed, decision.Kind);
        if (applies)
            Assert.Equal(("policy_denied", "because"), (decision.BlockedCode, decision.Reason));
    }

    [Theory]
    [InlineData("{params: {amount: {gt: 100}}}", """{"amount":"a lot"}""")]
    [InlineData("{params: {amount: {gt: 100}}}", """{"amount":1e300}""")]
    [InlineData("{params: {amount: {gt: 100}}}", """{"amount":{"value":5}}""")]
    [InlineData("{params: {'body.amount': {gt: 100}}}", """{"body":{"$base64":"AAAA","$mediaType":"x"}}""")]
    [InlineData("{params: {'body.amount': {gt: 100}}}", """{"body":{"$json":"{not json"}}""")]
    [InlineData("{params: {'body': {equals: {a: 1}}}}", """{"body":{"$json":5}}""")]
    public async Task A_rule_that_cannot_be_told_refuses(string when, string parameters)
    {
        var decision = await DecideAsync("pay", parameters, Of("{id: ok, effect: allow}", Deny.Replace("%", when, StringComparison.Ordinal)));
        Assert.Equal((StepDecisionKind.Denied, "policy_unavailable", "no"), (decision.Kind, decision.BlockedCode, decision.Rule?.Rule));
        Assert.False(decision.RunGoesOn);
        Assert.DoesNotContain("a lot", decision.Evidence.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2026-02-10T08:00:00Z", true)] // Tuesday, 09:00 in Vienna
    [InlineData("2026-02-10T07:59:59Z", false)]
    [InlineData("2026-02-10T16:00:00Z", false)]
    [InlineData("2026-07-14T07:00:00Z", true)] // Tuesday, 09:00 in Vienna's summer
    [InlineData("2026-02-14T10:00:00Z", false)] // Saturday
    public async Task Times_are_told_by_the_zone_s_clock(string now, bool denied)
    {
        var policy = Of(Deny.Replace("%", "{time: {days: [mon, tue, wed, thu, fri], between: ['09:00', '17:00'], zone: Europe/Vienna}}", StringComparison.Ordinal));
        var decision = await DecideAsync(Run(), "pay", "{}", DateTimeOffset.Parse(now, System.Globalization.CultureInfo.InvariantCulture), policy);
        Assert.Equal(denied, !decision.MayExecute);
    }

    [Theory]
    [InlineData("2026-02-13T23:00:00Z", true)] // Friday
    [InlineData("2026-02-14T05:59:00Z", true)] // the night that began on Friday
    [InlineData("2026-02-14T06:00:00Z", false)]
    [InlineData("2026-02-14T23:00:00Z", false)] // Saturday
    [InlineData("2026-02-13T05:00:00Z", false)] // the night that began on Thursday
    public async Task A_window_over_midnight_belongs_to_the_day_on_which_it_begins(string now, bool denied)
    {
        var policy = Of(Deny.Replace("%", "{time: {days: [fri], between: ['22:00', '06:00']}}", StringComparison.Ordinal));
        var outside = Of(Deny.Replace("%", "{time: {days: [fri], between: ['22:00', '06:00'], outside: true}}", StringComparison.Ordinal));
        var at = DateTimeOffset.Parse(now, System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(denied, !(await DecideAsync(Run(), "pay", "{}", at, policy)).MayExecute);
        Assert.Equal(!denied, !(await DecideAsync(Run(), "pay", "{}", at, outside)).MayExecute);
    }

    [Fact]
    public async Task Deny_beats_approval_beats_limit_beats_redact_beats_allow_wherever_they_stand()
    {
        string[] rules =
        [
            "{id: a, effect: allow}", "{id: r, effect: redact, redact: [params.x]}", "{id: l, effect: limit, limit: {calls: 9}}",
            "{id: q, effect: require_approval, reason: ask}", "{id: d, effect: deny, reason: never}",
        ];
        StepDecisionKind[] kinds = [StepDecisionKind.Allowed, StepDecisionKind.Redacted, StepDecisionKind.Limited, StepDecisionKind.ApprovalRequired, StepDecisionKind.Denied];
        for (var most = 0; most < rules.Length; most++)
        {
            var forward = await DecideAsync("s", """{"x":1}""", Of(rules[..(most + 1)]));
            var backward = await DecideAsync("s", """{"x":1}""", Of([.. rules[..(most + 1)].Reverse()]));
            Assert.Equal((kinds[most], kinds[most]), (forward.Kind, backward.Kind));
        }
    }

    [Fact]
    public async Task Policies_are_asked_in_the_order_of_their_names_and_the_first_rule_decides()
    {
        var decision = await DecideAsync("s", "{}", Named("b", "allow", "{id: x, effect: deny, reason: of b}"), Named("a", "allow", "{id: y, effect: deny, reason: of a}", "{id: z, effect: deny, reason: later}"));
        Assert.Equal(("file:a", "y", "of a"), (decision.Rule!.Policy, decision.Rule.Rule, decision.Reason));
    }

    [Fact]
    public async Task What_a_policy_denies_by_default_no_other_policy_allows()
    {
        var strict = Named("strict", "deny", "{id: echo, effect: allow, when: {skill: echo}}", "{id: r, effect: redact, redact: [params.x]}", "{id: l, effect: limit, limit: {calls: 5}}");
        var loose = Named("loose", "allow", "{id: all, effect: allow}");
        Assert.True((await DecideAsync("echo", "{}", strict, loose)).MayExecute);
        var refused = await DecideAsync("pay", "{}", strict, loose);
        Assert.Equal((StepDecisionKind.Denied, "file:strict", null), (refused.Kind, refused.Rule!.Policy, refused.Rule.Rule));
        Assert.Contains("\"rule\":null", refused.Evidence.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rule_allows_only_where_every_host_is_one_that_it_names_and_denies_where_any_is()
    {
        var allow = Named("p", "deny", "{id: a, effect: allow, when: {host: good.example}}");
        Assert.True((await DecideAsync("s", """{"url":"http://good.example/"}""", allow)).MayExecute);
        Assert.False((await DecideAsync("s", """{"url":"http://good.example/","callback":"http://evil.example/"}""", allow)).MayExecute);
        Assert.False((await DecideAsync("s", """{"text":"no host at all"}""", allow)).MayExecute);
        var deny = Of("{id: d, effect: deny, reason: r, when: {host: evil.example}}");
        Assert.False((await DecideAsync("s", """{"url":"http://good.example/","callback":"http://evil.example/"}""", deny)).MayExecute);
    }

    [Fact]
    public async Task Places_are_removed_whatever_was_decided()
    {
        var decision = await DecideAsync("s", "{}", Of("{id: r, effect: redact, redact: [params.x]}", "{id: d, effect: deny, reason: never, on_block: continue}"));
        Assert.Equal((StepDecisionKind.Denied, true), (decision.Kind, decision.RunGoesOn));
        Assert.Equal("policy:file:p/r", Assert.Single(decision.ParameterRedactions).Rule);
    }

    [Fact]
    public async Task The_evidence_of_a_decision_names_policy_version_digest_rule_and_reason()
    {
        var policy = Of("{id: d, effect: deny, reason: never}");
        var decision = await DecideAsync("s", "{}", policy);
        Assert.Equal($$"""{"decision":"denied","digest":"{{policy.Digest}}","policy":"file:p","reason":"never","rule":"d","version":"1"}""", decision.Evidence.ToString());
        Assert.Equal("""{"decision":"allowed","reason":"no policy is in force"}""", (await DecideAsync("s", "{}")).Evidence.ToString());
        Assert.Equal("""{"decision":"allowed","reason":"no rule applies"}""", (await DecideAsync("s", "{}", Of("{id: d, effect: deny, reason: r, when: {skill: x}}"))).Evidence.ToString());
    }

    [Theory]
    [InlineData("*", "", true)]
    [InlineData("a*b*c", "a-b-b-c", true)]
    [InlineData("a*b*c", "a-b-c-d", false)]
    [InlineData("?", "", false)]
    [InlineData("**a", "bbba", true)]
    [InlineData("", "", true)]
    public void Globs_match_as_a_shell_s_do(string pattern, string text, bool matches) => Assert.Equal(matches, new Glob(pattern).IsMatch(text));
}
