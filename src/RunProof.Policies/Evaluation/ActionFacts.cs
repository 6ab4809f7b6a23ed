using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Policies;

/// <summary>What a run has used so far.</summary>
/// <param name="CostCents">In cents.</param>
/// <param name="Tokens">Of models.</param>
/// <param name="Calls">Attempts that count towards a limit, by <c>policy/rule</c>.</param>
internal sealed record RunUsage(decimal CostCents, long Tokens, IReadOnlyDictionary<string, int> Calls)
{
    internal static readonly RunUsage None = new(0, 0, new Dictionary<string, int>(StringComparer.Ordinal));
}

/// <summary>What rules may ask of an action. What only few rules ask is looked up when the first does.</summary>
internal sealed class ActionFacts(GovernedRun run, StepAction action, RunUsage usage, DateTimeOffset now, IRedactor redactor) : IDisposable
{
    private JsonDocument? _document;
    private IReadOnlyList<string>? _hosts;
    private IReadOnlyList<string>? _classes;

    internal GovernedRun Run => run;

    internal string Skill => action.Skill;

    internal RunUsage Usage => usage;

    /// <summary>The time of day, the real one: a run's frozen time is its skills' alone.</summary>
    internal DateTimeOffset Now => now;

    internal JsonElement Parameters => (_document ??= JsonDocument.Parse(action.Parameters.Bytes, new JsonDocumentOptions { MaxDepth = 1024 })).RootElement;

    internal IReadOnlyList<string> Hosts => _hosts ??= UrlHosts.Of(Parameters);

    /// <summary>The redactor's rules that find something in the parameters: <c>email</c>, <c>card</c>, <c>token:github</c>, <c>name:password</c>.</summary>
    internal IReadOnlyList<string> DataClasses =>
        _classes ??= [.. redactor.Redact(action.Parameters).Removals.Select(removal => removal.Rule).Distinct(StringComparer.Ordinal)];

    internal bool HasReferences => action.Parameters.Bytes.Span.IndexOf("{{"u8) >= 0;

    public void Dispose() => _document?.Dispose();
}
