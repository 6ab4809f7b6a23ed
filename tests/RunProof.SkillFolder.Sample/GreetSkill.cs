namespace Acme.Skills;

/// <summary>Greets somebody.</summary>
[Skill("greet", Version = "1.0.0")]
public sealed partial class GreetSkill
{
    public Task<Greeting> ExecuteAsync(GreetParameters parameters, SkillContext context, CancellationToken cancellationToken) =>
        Task.FromResult(new Greeting($"Hello, {parameters.Name}!"));
}

/// <param name="Name">Whom.</param>
[Canonical] public sealed partial record GreetParameters(string Name);
[Canonical] public sealed partial record Greeting(string Text);
