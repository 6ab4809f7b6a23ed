using RunProof.Ledger;
using RunProof.ServiceDefaults;
using RunProof.Verification;

namespace RunProof.Verifier;

/// <summary>The service without its store: a test gives it another.</summary>
internal static class Verifier
{
    internal static void AddVerifier(this WebApplicationBuilder builder)
    {
        builder.AddServiceDefaults();
        builder.Services.AddApiKeyAuthentication();
        builder.Services.AddRunProofProblems();
        builder.Services.AddRunProofOpenApi("RunProof verifier", "Recomputes the evidence of runs from what was recorded and says what it found.");
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, ProofJson.Default));
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(1, LogJson.Default));
        builder.Services.AddSingleton<ProofReader>();
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(2, BundleJson.Default));
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(3, TraceDiff.Shapes));
        builder.Services.AddSingleton<TraceRecomputation>();
        builder.Services.AddSingleton<BundleSource>();
        builder.Services.AddSingleton<ComparisonSource>();
        builder.Services.AddSingleton(services => new StatementSource(services.GetRequiredService<TraceRecomputation>(), () => services.GetService<SealingKey>()?.Open()));
        builder.Services.AddSingleton<InclusionWait>();
        builder.Services.AddSingleton(services => new LogEvidenceReader(services.GetRequiredService<ILogReader>(), () => services.GetService<SealingKey>()?.Open()));
        // Nothing that this service takes has a body.
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 64 * 1024;
        });
    }

    internal static void MapVerifier(this WebApplication app)
    {
        app.UseRunProofProblems();
        app.MapDefaultEndpoints();
        app.MapRunProofOpenApi();
        app.MapWellKnown();
        app.MapTiledLog();
        var api = app.MapGroup("/api/v1");
        api.MapProofs();
        api.MapEvidence();
        api.MapBundles();
        api.MapStatements();
        api.MapComparisons();
        api.MapLog();
    }
}
