using RunProof.Postgres;
using RunProof.Runner;
using RunProof.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);

builder.AddServiceDefaults();
builder.AddRunProofPostgres("runproofdb");
builder.Services.AddApiKeyAuthentication();
builder.Services.AddRunProofProblems();
builder.Services.AddRunProofOpenApi(
    "RunProof runner", "Takes runs in, executes them, and records their evidence. Every refusal is problem details (RFC 9457) with a stable type.");
builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, RunnerJson.Default));
builder.AddSkills();
builder.AddPolicies();
builder.AddRunner();

var app = builder.Build();
if ((app.Services.FindConnectionFault() ?? app.Services.FindSkillFault() ?? app.Services.FindPolicyFault()) is { } fault)
{
    await Console.Error.WriteLineAsync($"runner: {fault}");
    return 2;
}

app.UseRunProofProblems();
app.MapDefaultEndpoints();
app.MapRunProofOpenApi();
app.MapZen();
app.MapDemoModel();
var api = app.MapGroup("/api/v1");
api.MapAgents();
api.MapRuns();
api.MapRunEvents();
api.MapRunControl();
api.MapReplays();
api.MapSchedules();
api.MapSkills();
api.MapPolicies();
api.MapBudgets();
api.MapKillSwitch();
api.MapApprovals(app.Configuration);

await app.RunAsync();
return 0;
