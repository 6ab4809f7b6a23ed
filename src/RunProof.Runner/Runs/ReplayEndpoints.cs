using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using RunProof.Execution;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.ServiceDefaults;

namespace RunProof.Runner;

/// <summary>Runs that come from another one: replays and forks.</summary>
internal static class ReplayEndpoints
{
    public static void MapReplays(this IEndpointRouteBuilder api)
    {
        var runs = api.MapGroup("/runs/{run_id}").WithTags("Runs");
        runs.MapPost("/replay", ReplayAsync).RequireScope(ApiKeyAuthentication.RunnerScope)
            .WithName("replayRun").WithSummary("Executes a run again and compares: a run of its own, whose steps have the source replay.")
            .WithDescription(
                "The origin must have ended, and its evidence is recomputed before anything is executed: where it does not verify, the replay fails with origin_not_verified. "
                + "The verifier's GET /runs/{run_id}/replay-report says what diverged.")
            .Accepts<ReplayRun>("application/json")
            .Produces<RunView>(StatusCodes.Status202Accepted).Produces<RunView>()
            .Refuses(400, 401, 403, 404, 409, 413, 415);
        runs.MapPost("/fork", ForkAsync).RequireScope(ApiKeyAuthentication.RunnerScope)
            .WithName("forkRun").WithSummary("Begins a new run at a step of another one, with that one's outcomes before it.")
            .WithDescription("The new trace's header names its origin and the link it goes on from; its proof says whether the origin still has it.")
            .Accepts<ForkRun>("application/json")
            .Produces<RunView>(StatusCodes.Status202Accepted).Produces<RunView>()
            .Refuses(400, 401, 403, 404, 409, 413, 415);
    }

    private static Task<IResult> ReplayAsync(
        HttpContext context, [FromServices] RunService runs, [FromServices] IHostApplicationLifetime lifetime, [FromRoute(Name = "run_id")] string runId) =>
        DeriveAsync(context, runs, lifetime, runId, ["from", "mode", "trace", "idempotency_key", "wait"], static (body, reader, request) => request with
        {
            From = Number(body, "from", reader) ?? 0,
            Mode = reader.Word(body, "", "mode", ["check", "dry"], 0) == 0 ? ReplayMode.Check : ReplayMode.Dry,
        });

    private static Task<IResult> ForkAsync(
        HttpContext context, [FromServices] RunService runs, [FromServices] IHostApplicationLifetime lifetime, [FromRoute(Name = "run_id")] string runId) =>
        DeriveAsync(context, runs, lifetime, runId, ["from_step", "plan", "goal", "trace", "idempotency_key", "wait"], static (body, reader, request) =>
        {
            if (Number(body, "from_step", reader) is not { } from)
            {
                from = 0;
                if (!reader.Errors.Any(static error => error.Place == "from_step"))
                    reader.Fail("from_step", "is missing: the planned step to begin with, by its place in the plan");
            }

            return request with { From = from, Plan = Given(body, "plan") is { } plan ? plan : null, Goal = Given(body, "goal") is null ? null : reader.String(body, "", "goal") };
        });

    private static async Task<IResult> DeriveAsync(
        HttpContext context, RunService runs, IHostApplicationLifetime lifetime, string runId, string[] members, Func<JsonElement, ObjectReader, DerivedRunRequest, DerivedRunRequest> read)
    {
        var (body, refusal) = await RequestBody.ReadObjectAsync(context);
        if (refusal is not null)
            return refusal;
        if (!RunId.TryParse(runId, out var id))
            return Problem.NotFound("There is no such run.");
        var reader = new ObjectReader();
        reader.RefuseOthers(body, "", members);
        var request = read(body, reader, new DerivedRunRequest
        {
            TenantId = context.GetTenant(),
            RunId = id,
            Trace = Given(body, "trace") is null ? null : reader.String(body, "", "trace"),
            IdempotencyKey = Given(body, "idempotency_key") is null ? null : reader.String(body, "", "idempotency_key"),
            CreatedBy = context.GetApiKeyId(),
            TraceParent = Activity.Current is { IdFormat: ActivityIdFormat.W3C, Recorded: true } span ? span.Id : null,
        });
        CreateRunReader.CheckKey(request.IdempotencyKey, "idempotency_key", reader);
        var patience = Waiting.Read(body, reader) ?? TimeSpan.Zero;
        if (reader.Errors.Count > 0)
            return RequestBody.Refuse(reader.Errors);
        return await RunEndpoints.AnswerAsync(context, runs, lifetime, await runs.DeriveAsync(request, context.RequestAborted), "", patience);
    }

    private static JsonElement? Given(JsonElement body, string name) =>
        body.TryGetProperty(name, out var member) && member.ValueKind is not JsonValueKind.Null ? member : null;

    private static int? Number(JsonElement body, string name, ObjectReader reader)
    {
        if (Given(body, name) is not { } given)
            return null;
        if (given.ValueKind is JsonValueKind.Number && given.TryGetInt32(out var number) && number >= 0)
            return number;
        reader.Fail(name, "must be a planned step, by its place in the plan from 0");
        return null;
    }
}

/// <summary>The body of a request for a replay.</summary>
internal sealed record ReplayRun
{
    [Description("The planned step to begin with, by its place in the plan; the outcomes before it are taken from the record. Default: 0.")]
    public int? From { get; init; }

    [Description("check (default): steps are executed again and compared, those of the replay behaviour skip take the recorded outcome; dry: nothing is executed.")]
    public string? Mode { get; init; }

    [Description("Which of the run's traces; default the last.")]
    public string? Trace { get; init; }

    [Description("The same request under the same key makes one run.")]
    public string? IdempotencyKey { get; init; }

    [Description("Seconds (0 to 300) to wait for the run's end, or true for 60; default 0.")]
    public JsonElement? Wait { get; init; }
}

/// <summary>The body of a request for a fork.</summary>
internal sealed record ForkRun
{
    [Description("The planned step to begin with, by its place in the plan from 0; the outcomes before it are taken from the record.")]
    public required int FromStep { get; init; }

    [Description("The steps from there on; default those of the run's own plan.")]
    public IReadOnlyList<CreateStep>? Plan { get; init; }

    [Description("What the new run is for; default the run's goal.")]
    public string? Goal { get; init; }

    [Description("Which of the run's traces; default the last.")]
    public string? Trace { get; init; }

    [Description("The same request under the same key makes one run.")]
    public string? IdempotencyKey { get; init; }

    [Description("Seconds (0 to 300) to wait for the run's end, or true for 60; default 0.")]
    public JsonElement? Wait { get; init; }
}
