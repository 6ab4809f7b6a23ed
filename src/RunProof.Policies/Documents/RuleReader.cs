using RunProof.Ledger;

namespace RunProof.Policies;

/// <summary>Reads a rule.</summary>
internal static class RuleReader
{
    private static readonly string[] Effects = ["allow", "redact", "limit", "require_approval", "deny"];

    internal static PolicyRule? Read(PolicyNode node, string place, NodeReader nodes)
    {
        nodes.RefuseOthers(node, place, "id", "when", "effect", "reason", "on_block", "limit", "redact", "approval");
        var id = nodes.RequiredText(node, place, "id", 64);
        if (id is not null && !PolicyReader.IsName(id))
            nodes.Fail(node["id"]!, place + ".id", "must be 1 to 64 of a-z 0-9 . _ -");
        var word = nodes.RequiredWord(node, place, "effect", Effects);
        var effect = (PolicyEffect)word;
        var when = node["when"] is { } given ? ConditionsReader.Read(given, place + ".when", nodes) : Conditions.Always;
        var reason = nodes.Text(node, place, "reason", 500);
        if (reason is null && node["reason"] is null && effect is PolicyEffect.Deny or PolicyEffect.RequireApproval)
            nodes.Fail(node, place + ".reason", "is missing: say why, for whoever reads the evidence");
        var goesOn = OnBlock(node, place, effect, nodes);
        var limit = Limit(node, place, effect, nodes);
        var (parameters, outcome) = Redact(node, place, effect, nodes);
        var approval = Approval(node, place, effect, nodes);
        return id is null || word < 0 ? null : new PolicyRule
        {
            Id = id, Effect = effect, Reason = reason ?? $"rule {id}", RunGoesOn = goesOn, When = when, Limit = limit, Approval = approval,
            RedactedParameters = parameters, RedactedOutcome = outcome,
        };
    }

    private static bool OnBlock(PolicyNode node, string place, PolicyEffect effect, NodeReader nodes)
    {
        if (node["on_block"] is not { } given)
            return false;
        if (effect is PolicyEffect.Allow or PolicyEffect.Redact)
            nodes.Fail(given, place + ".on_block", $"has no effect where the effect is {Effects[(int)effect]}: nothing is blocked");
        return nodes.Word(given, place + ".on_block", "halt", "continue") == 1;
    }

    private static PolicyLimit? Limit(PolicyNode node, string place, PolicyEffect effect, NodeReader nodes)
    {
        var at = place + ".limit";
        if (node["limit"] is not { } given)
        {
            if (effect is PolicyEffect.Limit)
                nodes.Fail(node, at, "is missing: say how far");
            return null;
        }

        if (effect is not PolicyEffect.Limit)
            nodes.Fail(given, at, "has no effect unless the effect is limit");
        if (!nodes.IsMap(given, at))
            return null;
        nodes.RefuseOthers(given, at, "calls", "cost_cents", "tokens", "duration_ms", "timeout_ms");
        if (given.Members.Count == 0)
            nodes.Fail(given, at, "must have at least one of calls, cost_cents, tokens, duration_ms, timeout_ms");
        var cost = given["cost_cents"] is { } cents ? nodes.Number(cents, at + ".cost_cents") : null;
        if (cost < 0)
            nodes.Fail(given["cost_cents"]!, at + ".cost_cents", "must not be negative");
        return new PolicyLimit
        {
            Calls = (int?)nodes.Integer(given, at, "calls", 0, 1_000_000),
            CostCents = cost,
            Tokens = nodes.Integer(given, at, "tokens", 0, 1_000_000_000_000),
            DurationMs = nodes.Integer(given, at, "duration_ms", 0, 31_536_000_000),
            TimeoutMs = (int?)nodes.Integer(given, at, "timeout_ms", 1, 3_600_000),
        };
    }

    private static ApprovalTerms? Approval(PolicyNode node, string place, PolicyEffect effect, NodeReader nodes)
    {
        var at = place + ".approval";
        if (node["approval"] is not { } given)
            return effect is PolicyEffect.RequireApproval ? ApprovalTerms.Usual : null;
        if (effect is not PolicyEffect.RequireApproval)
            nodes.Fail(given, at, "has no effect unless the effect is require_approval");
        if (!nodes.IsMap(given, at))
            return null;
        nodes.RefuseOthers(given, at, "approvers", "count", "valid_for_seconds");
        var approvers = given["approvers"] is { } names ? Approvers(names, at + ".approvers", nodes) : null;
        var count = (int)(nodes.Integer(given, at, "count", 1, 20) ?? 1);
        if (approvers is not null && approvers.Count < count)
            nodes.Fail(given, at + ".count", "is more than there are approvers");
        return new ApprovalTerms(approvers, count, nodes.Integer(given, at, "valid_for_seconds", 1, 31_536_000) is { } seconds ? TimeSpan.FromSeconds(seconds) : null);
    }

    private static List<string>? Approvers(PolicyNode names, string place, NodeReader nodes)
    {
        if (!nodes.IsList(names, place, 100, 1))
            return null;
        var approvers = new List<string>();
        for (var i = 0; i < names.Items.Count; i++)
        {
            if (nodes.Text(names.Items[i], NodeReader.At(place, i), 200) is not { } name)
                continue;
            if (approvers.Contains(name, StringComparer.Ordinal))
                nodes.Fail(names.Items[i], NodeReader.At(place, i), "is named twice");
            approvers.Add(name);
        }

        return approvers;
    }

    private static (IReadOnlyList<PlacePattern> Parameters, IReadOnlyList<PlacePattern> Outcome) Redact(
        PolicyNode node, string place, PolicyEffect effect, NodeReader nodes)
    {
        var at = place + ".redact";
        var (parameters, outcome) = (new List<PlacePattern>(), new List<PlacePattern>());
        if (node["redact"] is not { } given)
        {
            if (effect is PolicyEffect.Redact)
                nodes.Fail(node, at, "is missing: name the places");
            return (parameters, outcome);
        }

        if (effect is not PolicyEffect.Redact)
            nodes.Fail(given, at, "has no effect unless the effect is redact");
        if (!nodes.IsList(given, at, 100, 1))
            return (parameters, outcome);
        for (var i = 0; i < given.Items.Count; i++)
            ReadPlace(given.Items[i], NodeReader.At(at, i), parameters, outcome, nodes);
        return (parameters, outcome);
    }

    private static void ReadPlace(PolicyNode node, string place, List<PlacePattern> parameters, List<PlacePattern> outcome, NodeReader nodes)
    {
        if (nodes.Text(node, place, 1_000) is not { } text)
            return;
        var (target, rest) = After(text, "params") is { } ofParameters ? (parameters, ofParameters) : (outcome, After(text, "outcome"));
        if (rest is null)
            nodes.Fail(node, place, "must begin with params or outcome, and go on: params.headers.authorization, outcome.items[*].email");
        else if (PlacePattern.TryParse(rest, out var pattern, out var error))
            target.Add(pattern!);
        else
            nodes.Fail(node, place, error!);
    }

    private static string? After(string text, string root)
    {
        if (text.Length <= root.Length || !text.StartsWith(root, StringComparison.Ordinal))
            return null;
        return text[root.Length] switch
        {
            '.' => text[(root.Length + 1)..],
            '[' => text[root.Length..],
            _ => null,
        };
    }
}
