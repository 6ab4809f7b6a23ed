using RunProof.Postgres;
using RunProof.Verifier;

var builder = WebApplication.CreateBuilder(args);
builder.AddRunProofPostgres("runproofdb");
builder.AddVerifier();
var wrong = builder.AddSealing();
var app = builder.Build();
if ((wrong ?? app.Services.FindConnectionFault()) is { } fault)
{
    await Console.Error.WriteLineAsync($"verifier: {fault}");
    return 2;
}

app.MapVerifier();
await app.RunAsync();
return 0;
