using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using static System.FormattableString;

namespace RunProof.Cli;

/// <summary><c>run create</c>.</summary>
internal static class RunCreation
{
    /// <summary>What <c>--wait</c> means without a number; the API's own default.</summary>
    private const double DefaultWait = 60;

    private static readonly Option<string> Agent = new("--agent") { Required = true, HelpName = "ID", Description = "The agent on whose behalf it runs." };
    private static readonly Option<string> Goal = new("--goal") { Required = true, HelpName = "TEXT", Description = "What it is for." };
    private static readonly Option<string> Origin = new("--origin") { Required = true, HelpName = "ID", Description = "The system that asks for it (origin_system_id)." };
    private static readonly Option<string?> Plan = new("--plan") { HelpName = "FILE", Description = "A JSON array of planned steps; - is standard input. Default: the planner makes one." };
    private static readonly Option<string?> Planner = new("--planner") { HelpName = "NAME", Description = "stub, given, rules, llm or agent. Default: given with a plan, stub without." };
    private static readonly Option<string?> IdempotencyKey = new("--idempotency-key") { HelpName = "KEY", Description = "The same request under the same key gives the same run." };
    private static readonly Option<string?> CorrelationId = new("--correlation-id") { HelpName = "ID", Description = "The caller's own id for this work." };
    private static readonly Option<long?> Seed = new("--seed") { HelpName = "N", Description = "Seed of the run's randomness." };
    private static readonly Option<string?> FrozenTimestamp = new("--frozen-timestamp") { HelpName = "TIME", Description = "The time that the run sees as now." };
    private static readonly Option<string?> Synthetic = new("--synthetic") { HelpName = "SCENARIO", Description = "Marks the run as a test of this scenario." };

    private static readonly Option<int?> Priority = new("--priority") { HelpName = "N", Description = "Its place among the waiting runs, -100 to 100, higher first. Default: 0." };
    private static readonly Option<string?> NotBefore = new("--not-before") { HelpName = "TIME", Description = "It begins no earlier." };
    private static readonly Option<int?> MaxAttempts = new("--max-attempts") { HelpName = "N", Description = "Attempts in all where it does not succeed, 1 to 100. Default: 1." };

    private static readonly Option<bool> AwaitLogOpening = new("--await-log-opening") { Description = "Nothing of it begins before the opening of its trace is in the tenant's log." };

    private static readonly Option<bool> Watch = new("--watch") { Description = "Print what happens to it until it ends, as run watch does." };

    private static readonly Option<decimal?> BudgetCents = new("--budget-cents") { HelpName = "CENTS", Description = "The run may cost so much, over all its attempts." };
    private static readonly Option<long?> BudgetTokens = new("--budget-tokens") { HelpName = "N", Description = "It may use so many tokens of models." };
    private static readonly Option<long?> BudgetSteps = new("--budget-steps") { HelpName = "N", Description = "So many attempts of steps may begin." };
    private static readonly Option<long?> BudgetDuration = new("--budget-duration-ms") { HelpName = "MS", Description = "An attempt of the run may take so long." };

    /// <summary>How long to wait for a run's end.</summary>
    internal static Option<double?> Wait { get; } = new("--wait")
    {
        Arity = ArgumentArity.ZeroOrOne,
        HelpName = "SECONDS",
        Description = "Wait until it ends, at most so long (0 to 300; 60 without a number). Exit code 1 where it ends and did not succeed.",
        CustomParser = result => result.Tokens.Count == 0 ? DefaultWait
            : double.TryParse(result.Tokens[0].Value, System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0 and <= 300
                ? seconds
                : Refuse(result),
    };

    internal static Command Create(World world) =>
        new Command("create", "Create a run.")
        {
            Agent, Goal, Origin, Plan, Planner, IdempotencyKey, CorrelationId, Seed, FrozenTimestamp, Synthetic, Priority, NotBefore, MaxAttempts, AwaitLogOpening, BudgetCents, BudgetTokens, BudgetSteps, BudgetDuration, Wait, Watch,
        }.WithChoices().Does(world, RunAsync);

    private static async Task<Answer> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var runner = Services.Runner(invocation);
        var body = await RequestAsync(invocation, cancellationToken);
        var wait = TimeSpan.FromSeconds(invocation.Get(Wait) ?? 0);
        if (invocation.Get(Watch))
        {
            if (invocation.Get(Wait) is not null)
                throw CommandException.Usage("--watch follows the run to its end: it cannot be given with --wait", "give one of them");
            var created = runner.View(await runner.PostAsync("api/v1/runs", body, cancellationToken), WireContext.Default.RunView);
            await WarnAsync(invocation, created);
            return await RunWatching.FollowAsync(invocation, runner, created.RunId, cancellationToken);
        }

        var document = wait > TimeSpan.Zero
            ? await invocation.World.Terminal.WhileAsync("waiting for the run", () => runner.PostAsync("api/v1/runs", body, cancellationToken, wait))
            : await runner.PostAsync("api/v1/runs", body, cancellationToken);
        var run = runner.View(document, WireContext.Default.RunView);
        await WarnAsync(invocation, run);
        return RunCommands.Show(runner, document, run.ExitCode);
    }

    // Not among the answer, which a program reads.
    private static Task WarnAsync(Invocation invocation, RunView run) => run is { Durable: false, HasEnded: false }
        ? invocation.World.Terminal.Error.WriteLineAsync($"warning: run {run.RunId} is not durable: {run.NotDurableBecause}")
        : Task.CompletedTask;

    private static async Task<JsonObject> RequestAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var body = new JsonObject
        {
            ["agent_id"] = invocation.Get(Agent),
            ["goal"] = invocation.Get(Goal),
            ["origin_system_id"] = invocation.Get(Origin),
        };
        if (invocation.Get(Plan) is { } file)
            body["plan"] = ParsePlan(file, await InputFile.ReadAsync(file, invocation.World, cancellationToken));
        body.AddGiven("planner", invocation.Get(Planner));
        RunChoices.Write(invocation, body);
        body.AddGiven("idempotency_key", invocation.Get(IdempotencyKey));
        body.AddGiven("correlation_id", invocation.Get(CorrelationId));
        body.AddGiven("frozen_timestamp", RunCommands.Time(FrozenTimestamp, invocation.Get(FrozenTimestamp)));
        body.AddGiven("not_before", RunCommands.Time(NotBefore, invocation.Get(NotBefore)));
        if (invocation.Get(Priority) is { } priority)
            body["priority"] = priority;
        if (invocation.Get(MaxAttempts) is { } attempts)
            body["max_attempts"] = attempts;
        if (invocation.Get(AwaitLogOpening))
            body["await_log_opening"] = true;
        var budget = new JsonObject();
        if (invocation.Get(BudgetCents) is { } cents)
            budget["cost_cents"] = cents.ToString(System.Globalization.CultureInfo.InvariantCulture);
        foreach (var (name, option) in new[] { ("tokens", BudgetTokens), ("steps", BudgetSteps), ("duration_ms", BudgetDuration) })
        {
            if (invocation.Get(option) is { } limit)
                budget[name] = limit;
        }

        if (budget.Count > 0)
            body["budget"] = budget;
        if (invocation.Get(Seed) is { } seed)
            body["seed"] = seed;
        if (invocation.Get(Synthetic) is { } scenario)
            (body["is_synthetic"], body["synthetic_scenario_id"]) = (true, scenario);
        if (invocation.Get(Wait) is { } wait)
            body["wait"] = wait;
        return body;
    }

    /// <summary>Reads a plan.</summary>
    /// <param name="file">Its file, for messages.</param>
    /// <param name="content">The file's bytes.</param>
    internal static JsonArray ParsePlan(string file, byte[] content) => JsonBody.Parse<JsonArray>(file, content, "a plan is a JSON array of steps", Example);

    private const string Example = "for example [{\"skill\":\"http_call\",\"params\":{\"method\":\"GET\",\"url\":\"https://example.com\"}}]";

    private static double? Refuse(System.CommandLine.Parsing.ArgumentResult result)
    {
        result.AddError($"--wait {result.Tokens[0].Value} is not a number of seconds from 0 to 300.");
        return null;
    }
}
