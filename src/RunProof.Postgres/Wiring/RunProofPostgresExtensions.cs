using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Postgres;

/// <summary>Puts the stores of RunProof on PostgreSQL into a host, by the conventions of Aspire's Npgsql integration.</summary>
public static class RunProofPostgresExtensions
{
    /// <summary>
    /// Registers one <see cref="NpgsqlDataSource"/>, every store, and the health checks <c>PostgreSql</c> (the server answers) and <c>schema</c> (it is at this
    /// program's version). Settings, later wins: sections <c>Aspire:Npgsql</c> and <c>Aspire:Npgsql:NAME</c> (<c>ConnectionString</c>,
    /// <c>DisableHealthChecks</c>, <c>DisableTracing</c>), <c>ConnectionStrings:NAME</c>; then <c>RunProof:Database:Username</c> and <c>:Password</c>
    /// replace the ones in the connection string. Signals of other processes are listened for over <c>ConnectionStrings:NAME_direct</c>, by default the usual one, unless
    /// <c>RunProof:Runner:Listen</c> is <c>off</c>. Forced, so that a pooler in transaction mode will do: no auto-prepare, no reset on close, no multiplexing.
    /// </summary>
    /// <param name="builder">The host's builder.</param>
    /// <param name="connectionName">NAME, as in <c>ConnectionStrings:NAME</c>. A missing connection string fails when the data source is first used.</param>
    /// <returns>The builder.</returns>
    public static IHostApplicationBuilder AddRunProofPostgres(this IHostApplicationBuilder builder, string connectionName)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionName);
        var settings = PostgresSettings.Read(builder.Configuration, connectionName);
        builder.Services.TryAddSingleton(services => Connect(settings, services.GetService<ILoggerFactory>()));
        builder.Services.TryAddSingleton<IRunStore, PostgresRunStore>();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.TryAddSingleton(_ => new ListenSettings(settings.ListeningConnectionString()));
        builder.Services.TryAddSingleton<IRunSignals, PostgresRunSignals>();
        builder.Services.TryAddSingleton<IAgentStore, PostgresAgentStore>();
        builder.Services.TryAddSingleton<IApiKeyStore, PostgresApiKeyStore>();
        builder.Services.TryAddSingleton<IPolicyStore, PostgresPolicyStore>();
        builder.Services.TryAddSingleton<IRestraintStore, PostgresRestraintStore>();
        builder.Services.TryAddSingleton<IApprovalStore, PostgresApprovalStore>();
        builder.Services.TryAddSingleton<IEvidenceStore, PostgresEvidenceStore>();
        builder.Services.TryAddSingleton<IRecordingStore, PostgresRecordingStore>();
        builder.Services.TryAddSingleton<IRecoveryStore, PostgresRecoveryStore>();
        builder.Services.TryAddSingleton<IScheduleStore, PostgresScheduleStore>();
        builder.Services.TryAddSingleton<IRunWatchStore, PostgresRunWatchStore>();
        builder.Services.TryAddSingleton<IReplayStore, PostgresReplayStore>();
        builder.Services.TryAddSingleton<ISubRunStore, PostgresSubRunStore>();
        builder.Services.TryAddSingleton<IKeyValueStore, PostgresKeyValueStore>();
        builder.Services.TryAddSingleton<ILogStore, PostgresLogStore>();
        builder.Services.TryAddSingleton<ILogReader, PostgresLogReader>();
        builder.Services.TryAddSingleton<ILogOpeningStore, PostgresLogOpeningStore>();
        if (!settings.DisableHealthChecks)
            AddHealthChecks(builder);
        return builder;
    }

    /// <summary>Makes the data source, without connecting: a host whose configuration cannot do says so before it listens, not at the first request.</summary>
    /// <param name="services">The services of a host that called <see cref="AddRunProofPostgres"/>.</param>
    /// <returns>What is wrong with the connection string; null where it will do.</returns>
    public static string? FindConnectionFault(this IServiceProvider services)
    {
        try
        {
            services.GetRequiredService<NpgsqlDataSource>();
            return null;
        }
        catch (Exception fault) when (fault is InvalidOperationException or ArgumentException)
        {
            return fault.Message;
        }
    }

    private static NpgsqlDataSource Connect(PostgresSettings settings, ILoggerFactory? logging)
    {
        var source = new NpgsqlDataSourceBuilder(settings.RequireConnectionString());
        source.UseLoggerFactory(logging);
        if (settings.DisableTracing)
            source.ConfigureTracing(tracing => tracing.ConfigureCommandFilter(_ => false).ConfigureBatchFilter(_ => false).ConfigureCopyOperationFilter(_ => false));
        return source.Build();
    }

    // Once for each builder, however often the stores are added; no tags: part of /health, not of /alive.
    private static void AddHealthChecks(IHostApplicationBuilder builder)
    {
        const string Marker = "Aspire.HealthChecks.PostgreSql";
        if (!builder.Properties.TryAdd(Marker, true))
            return;
        builder.Services.AddHealthChecks()
            .Add(new HealthCheckRegistration("PostgreSql", services => new ServerHealthCheck(services.GetRequiredService<NpgsqlDataSource>()), null, null))
            .Add(new HealthCheckRegistration("schema", services => new SchemaHealthCheck(services.GetRequiredService<NpgsqlDataSource>()), null, null));
    }
}
