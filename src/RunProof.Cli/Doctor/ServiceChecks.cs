using System.Globalization;

namespace RunProof.Cli;

/// <summary>What must be so of runner and verifier.</summary>
internal static class ServiceChecks
{
    internal static async Task<IReadOnlyList<Diagnosis>> LookAsync(Invocation invocation, string name, Func<Invocation, ApiClient> find, CancellationToken cancellationToken)
    {
        try
        {
            var service = find(invocation);
            var health = await ServiceHealth.ReadAsync(service, cancellationToken);
            var clock = health.ServerDate is { } date
                ? ClockSkew.Diagnose($"{name} clock", date, invocation.World.Clock.GetUtcNow(), TimeSpan.FromSeconds(1))
                : Diagnosis.Unneeded($"{name} clock", "it does not tell the time");
            return [Health(name, service, health), clock, await KeyAsync(name, service, cancellationToken)];
        }
        catch (CommandException problem)
        {
            return [Diagnosis.Bad(name, problem.Message, problem.Remedy ?? "start it")];
        }
    }

    private static Diagnosis Health(string name, ApiClient service, ServiceHealth health)
    {
        var bad = health.Checks.Where(check => check.Status != "Healthy").Select(check => $"{check.Name}: {check.Description ?? check.Status}").ToArray();
        if (health.IsHealthy && bad.Length == 0)
            return Diagnosis.Good(name, $"{service.Address} is ready: {string.Join(", ", health.Checks.Select(check => check.Name))}");
        var remedy = health.Checks.Any(check => check.Name == "schema" && check.Status != "Healthy")
            ? "runproof db migrate brings the database to this program's schema; a service of another version needs its own"
            : $"see the {name}'s log";
        return Diagnosis.Bad(name, $"{service.Address} is {health.Status}: {string.Join("; ", bad)}", remedy);
    }

    // The runner is asked for something that every key may read, the verifier for a proof that no run has: a 404 means that the key was taken.
    private static async Task<Diagnosis> KeyAsync(string name, ApiClient service, CancellationToken cancellationToken)
    {
        var what = $"API key at the {name}";
        try
        {
            await service.GetAsync(name == "runner" ? "api/v1/agents?limit=1" : "api/v1/runs/runproof-doctor/proof", cancellationToken);
            return Diagnosis.Good(what, "valid");
        }
        catch (CommandException answer) when (answer.HttpStatus == 404 && name == "verifier")
        {
            return Diagnosis.Good(what, "valid");
        }
        catch (CommandException problem)
        {
            return Diagnosis.Bad(what, problem.Message, problem.Remedy ?? string.Create(CultureInfo.InvariantCulture, $"see the {name}'s log"));
        }
    }
}
