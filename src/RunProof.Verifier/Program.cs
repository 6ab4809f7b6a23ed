using RunProof.Postgres;
using RunProof.Verifier;

var builder = WebApplication.CreateBuilder(args);
builder.AddRunProofPostgres("runproofdb");
builder.AddVerifier();
var app = builder.Build();
if (app.Services.FindConnectionFault() is { } fault)
{
    await Console.Error.WriteLineAsync($"verifier: {fault}");
    return 2;
}

app.MapVerifier();
await app.RunAsync();
return 0;
