using System.Text;
using System.Text.Json;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.Execution.Tests;

internal delegate ValueTask<SkillOutcome> SkillBody(JsonElement parameters, SkillContext context, CancellationToken cancellationToken);

/// <summary>A skill that does what a test says.</summary>
internal sealed class FakeSkill(string name, SkillBody body) : SkillDescriptor
{
    public List<string> Calls { get; } = [];

    /// <summary>A member that the parameters must have; null for none.</summary>
    public string? Required { get; init; }

    public override string Name => name;

    /// <summary>The version that it says now; a test may change it between two runs.</summary>
    public string VersionNow { get; set; } = "1.2.3";

    public override string Version => VersionNow;

    public override string Description => "A fake.";

    /// <summary>The schema of its parameters.</summary>
    public string Takes { get; init; } = """{"type":"object"}""";

    public override string ParametersSchema => Takes;

    public string Shape { get; init; } = "{}";

    public override string OutcomeSchema => Shape;

    public override string ParametersFingerprint => Digest.Of("parameters"u8).ToString();

    public override string OutcomeFingerprint => Digest.Of("outcome"u8).ToString();

    /// <summary>What its schema is made of now; by default its name.</summary>
    public string? SchemaNow { get; set; }

    public override Digest Schema => Digest.Of(Encoding.UTF8.GetBytes(SchemaNow ?? name));

    public ReplayBehavior Behavior { get; init; } = ReplayBehavior.Check;

    public override ReplayBehavior Replay => Behavior;

    public bool Idempotent { get; init; }

    public override bool IsIdempotent => Idempotent;

    /// <summary>Of which of its calls, by their parameters, it says that they may be made again.</summary>
    public Predicate<string> Repeatable { get; init; } = static _ => false;

    /// <summary>What a source's skill answers when it is asked whether it still is what was pinned; null for a compiled one.</summary>
    public Func<CanonicalJson?, SkillCheck>? Check { get; init; }

    public override string? Source => Check is null ? null : "tools";

    public override ValueTask<SkillCheck> CheckAsync(CanonicalJson? pin, CancellationToken cancellationToken) => ValueTask.FromResult(Check!(pin));

    public override string DeclaredAt => "FakeSkill, tests";

    public static SkillOutcome Gives(string json) => new(CanonicalJson.Parse(Encoding.UTF8.GetBytes(json)), null);

    public static SkillOutcome Fails(string code, bool retryable = false, string? outcome = null) =>
        new(outcome is null ? null : CanonicalJson.Parse(Encoding.UTF8.GetBytes(outcome)), new SkillFailure(code, $"it said {code}", retryable));

    public override SkillCall Bind(JsonElement parameters, string place)
    {
        if (Required is not null && !parameters.TryGetProperty(Required, out _))
            throw new JsonBindingException($"{place}.{Required}", "is missing");
        return new Call(this, CanonicalJson.Parse(Encoding.UTF8.GetBytes(parameters.GetRawText())));
    }

    private sealed class Call(FakeSkill skill, CanonicalJson parameters) : SkillCall
    {
        public override CanonicalJson Parameters => parameters;

        public override bool MayRepeat => skill.Repeatable(parameters.ToString());

        public override async ValueTask<SkillOutcome> ExecuteAsync(IServiceProvider services, SkillContext context, CancellationToken cancellationToken)
        {
            lock (skill.Calls)
                skill.Calls.Add(parameters.ToString());
            using var document = parameters.ToDocument();
            return await skill.Execute(document.RootElement.Clone(), context, cancellationToken);
        }
    }

    private ValueTask<SkillOutcome> Execute(JsonElement parameters, SkillContext context, CancellationToken cancellationToken) =>
        body(parameters, context, cancellationToken);
}
