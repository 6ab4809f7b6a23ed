using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Npgsql;
using RunProof.Postgres;

namespace RunProof.Migrator;

/// <summary>The migrator's whole life.</summary>
internal static partial class Migration
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>Migrates and, where a development key is given, makes the development tenant.</summary>
    /// <returns>0 done, 1 failed (one line to <paramref name="errors"/> says why), 2 not told what it needs to know.</returns>
    internal static async Task<int> RunAsync(
        IConfiguration configuration, ILogger logger, TimeProvider clock, TextWriter errors, CancellationToken cancellationToken)
    {
        try
        {
            var settings = MigratorSettings.Read(configuration);
            var result = await MigrateAsync(settings, logger, clock, cancellationToken);
            LogDone(logger, result.From, result.To);
            if (settings.DevelopmentKey is { } key)
            {
                await DevelopmentTenant.EnsureAsync(settings.ConnectionString, key, clock, cancellationToken);
                LogTenant(logger, DevelopmentTenant.TenantId.Value, DevelopmentTenant.AgentId.Value);
            }

            return 0;
        }
        catch (FormatException e)
        {
            return await SayAsync(errors, e.Message, 2);
        }
        catch (Exception e) when (e is SchemaException or NpgsqlException or ArgumentException)
        {
            return await SayAsync(errors, e is PostgresException server ? $"{server.SqlState} {server.MessageText}" : e.Message, 1);
        }
        catch (OperationCanceledException)
        {
            return await SayAsync(errors, "stopped", 1);
        }
    }

    // A server that is starting refuses connections for a while; one that refuses the password will go on doing so.
    private static async Task<MigrationResult> MigrateAsync(MigratorSettings settings, ILogger logger, TimeProvider clock, CancellationToken cancellationToken)
    {
        var start = clock.GetTimestamp();
        var pause = TimeSpan.FromMilliseconds(250);
        while (true)
        {
            try
            {
                return await SchemaMigrator.MigrateAsync(settings.ConnectionString, settings.Passwords, logger, cancellationToken);
            }
            catch (NpgsqlException e) when (e.IsTransient && clock.GetElapsedTime(start) + pause <= settings.Wait)
            {
                LogWaiting(logger, e.Message);
                await Task.Delay(pause, clock, cancellationToken);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }

    private static async Task<int> SayAsync(TextWriter errors, string message, int code)
    {
        await errors.WriteLineAsync("migrator: " + message.ReplaceLineEndings(" "));
        return code;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "schema was at version {From}, is at version {To}")]
    private static partial void LogDone(ILogger logger, int from, int to);

    [LoggerMessage(Level = LogLevel.Information, Message = "tenant {Tenant} with agent {Agent} and the development key is there")]
    private static partial void LogTenant(ILogger logger, string tenant, string agent);

    [LoggerMessage(Level = LogLevel.Information, Message = "waiting for the server: {Reason}")]
    private static partial void LogWaiting(ILogger logger, string reason);
}
