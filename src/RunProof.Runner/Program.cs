using RunProof.Runner;
using RunProof.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddAll();

var app = builder.Build();
if (app.Services.FindFault() is { } fault)
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
