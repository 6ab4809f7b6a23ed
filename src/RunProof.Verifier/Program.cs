using RunProof.Postgres;
using RunProof.Verifier;

var builder = WebApplication.CreateBuilder(args);
builder.AddRunProofPostgres("runproofdb");
builder.AddVerifier();
var app = builder.Build();
app.MapVerifier();
await app.RunAsync();
