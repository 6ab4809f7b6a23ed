using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;

namespace RunProof.Cli;

/// <summary><c>keys log show|rotate</c>: the operator's key, which signs the tenants' logs.</summary>
internal static class LogKeyCommands
{
    private static readonly Option<string?> KeyFile = new("--key-file") { HelpName = "FILE", Description = "The private key. Default: as the verifier finds it, RUNPROOF_SIGNING_KEY_FILE, then RunProof__Log__KeyFolder." };
    private static readonly Option<string?> LogName = new("--log-name") { HelpName = "NAME", Description = "The logs' name. Default: RunProof__Log__Name, then the name in the key file." };
    private static readonly Option<string?> Tenant = new("--tenant") { HelpName = "ID", Description = "Only this tenant's log." };
    private static readonly Option<string[]> Except = new("--except") { HelpName = "ID", Description = "Leave this tenant's log behind, since it is damaged: it stays the old key's, and is not continued. Again for each." };

    internal static Command Create(World world) => new("log", "The key that signs the logs. The private key never leaves its file.")
    {
        new Command("show", "Show the key file, its public key, and the keys of each log with the tree sizes that they sign. Exit code 1 where the key cannot sign the logs that there are.") { KeyFile, LogName, Tenant }
            .Does(world, ShowAsync),
        new Command("rotate", "Hand all logs over to a new key, by an entry in each that both keys sign, and put it in the old one's place. What was interrupted goes on where it broke off. Needs the verifier's login and the right to write the key file.") { KeyFile, LogName, Except }
            .Does(world, RotateAsync),
    };

    private static async Task<Answer> ShowAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var file = SigningKeyState.Read(SigningKeyState.Locate(invocation.Get(KeyFile), invocation.World));
        var hasDatabase = (invocation.Get(GlobalOptions.Database) ?? invocation.World.Variable("ConnectionStrings__runproofdb")) is not null;
        var logs = hasDatabase ? await ReadAsync(invocation, file, cancellationToken) : null;
        var name = NameOf(invocation, file.Key);
        var isWell = file.Key is not null && logs?.TrueForAll(static log => log.IsOurs) != false;
        var document = new JsonObject
        {
            ["key_file"] = file.Path,
            ["public_key"] = UnderName(file.Key, name)?.ToString(),
            ["problem"] = file.Problem,
            ["rotation_under_way"] = file.NextFile is not null,
            ["retired_files"] = new JsonArray([.. file.RetiredFiles.Select(static path => (JsonNode)path)]),
            ["logs"] = logs is null ? null : new JsonArray([.. logs.Select(ToJson)]),
        };
        return new Answer(document, page => Write(page, file, name, logs), isWell ? ExitCode.Ok : ExitCode.Error);
    }

    private static async Task<Answer> RotateAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var world = invocation.World;
        var path = SigningKeyState.Locate(invocation.Get(KeyFile), world);
        var file = SigningKeyState.Read(path);
        if (file.Key is null)
            throw new CommandException(ExitCode.Error, "signing_key", file.Problem!, "--key-file names another");
        var options = new LogOptions { Name = NameOf(invocation, file.Key)!, WitnessPolicyFile = world.Variable("RunProof__Log__WitnessPolicyFile") };
        TenantId[] except = [.. (invocation.Get(Except) ?? []).Select(Tenants.Parse)];
        try
        {
            options.Validate();
            if (file.NextFile is not null)
                invocation.Tell(page => page.Line(Tone.Open, $"{file.NextFile} is there: a rotation broke off, and goes on with that key"));
            var rotated = await Database.UseAsync(invocation, source => new KeyRotation(new PostgresLogStore(source), options, world.Clock)
                .RotateAsync(path, except, tenant => invocation.Tell(page => page.Line($"handed over the log of {tenant}")), cancellationToken));
            return Done(path, rotated);
        }
        catch (SigningKeyFileException problem)
        {
            throw new CommandException(ExitCode.Error, "signing_key", problem.Message);
        }
        catch (LogHaltedException problem)
        {
            throw new CommandException(ExitCode.Error, "log_halted", problem.Message, "runproof keys log show names each log's keys; --except leaves a damaged log behind. What was handed over stays so: run this again");
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.Error, "signing_key", $"the logs were handed over and {path} cannot be replaced: {problem.Message}", "make the file and its folder writable, and run this again");
        }
        catch (ArgumentException problem)
        {
            throw CommandException.Usage($"--log-name: {problem.Message}");
        }
    }

    private static Answer Done(string path, RotatedKeys rotated)
    {
        var document = new JsonObject
        {
            ["key_file"] = path, ["old_key"] = rotated.Old.ToString(), ["new_key"] = rotated.New.ToString(), ["handed_over"] = rotated.HandedOver, ["retired_file"] = rotated.RetiredFile,
        };
        return new Answer(document, page =>
        {
            page.Fields(("new key", rotated.New.ToString()), ("old key", rotated.Old.ToString()), ("key file", path), ("old key's file", rotated.RetiredFile), ("logs handed over now", rotated.HandedOver.ToString(CultureInfo.InvariantCulture)));
            page.Line(Tone.Good, "the key is rotated; a verifier that reads this file goes on with the new key by itself");
            page.Line("Keep a copy of the new key file, and tell whoever relies on the logs' keys: runproof keys log show.");
        });
    }

    private static Task<List<KeysOfLog>> ReadAsync(Invocation invocation, SigningKeyState file, CancellationToken cancellationToken) => Database.UseAsync(invocation, async source =>
    {
        var reader = new PostgresLogReader(source);
        var logs = new List<KeysOfLog>();
        foreach (var tenant in await Tenants.WithLogsAsync(source, invocation.Get(Tenant), cancellationToken))
        {
            if (await reader.FindAsync(tenant, cancellationToken) is not { } log)
                continue;
            var keys = await reader.ReadKeysAsync(tenant, cancellationToken);
            var own = UnderName(file.Key, log.Origin)?.ToString();
            logs.Add(new KeysOfLog(log, keys, own is not null && keys.Any(key => key.UntilSize is null && key.VerifierKey == own)));
        }

        return logs;
    });

    private static string? NameOf(Invocation invocation, NoteKey? key) => invocation.Get(LogName) ?? invocation.World.Variable("RunProof__Log__Name") ?? key?.Name;

    /// <summary>The same key under another name; null where there is none, or it can have no such name.</summary>
    private static NoteKey? UnderName(NoteKey? key, string? name)
    {
        try
        {
            return key is null || name is null ? null : NoteKey.Create(name, key.Algorithm, key.PublicKey.ToArray());
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    private static JsonNode ToJson(KeysOfLog log) => new JsonObject
    {
        ["tenant_id"] = log.Log.Tenant.Value,
        ["origin"] = log.Log.Origin,
        ["size"] = log.Log.Size,
        ["signed_by_this_file"] = log.IsOurs,
        ["keys"] = new JsonArray([.. log.Keys.Select(static key => new JsonObject
        {
            ["verifier_key"] = key.VerifierKey, ["from_size"] = key.FromSize, ["until_size"] = key.UntilSize, ["added_at"] = WireTime.ToText(key.AddedAt),
        })]),
    };

    private static void Write(Page page, SigningKeyState file, string? name, List<KeysOfLog>? logs)
    {
        page.Fields(("key file", file.Path), ("public key", UnderName(file.Key, name)?.ToString()), ("rotation under way", file.NextFile is null ? null : $"{file.NextFile}; runproof keys log rotate finishes it"), ("old keys", file.RetiredFiles.Count == 0 ? null : string.Join(", ", file.RetiredFiles)));
        if (file.Problem is { } problem)
            page.Line(Tone.Bad, problem);
        if (logs is null)
        {
            page.Line(Tone.Quiet, "no database was named, so the logs' keys are not shown (--database, ConnectionStrings__runproofdb)");
            return;
        }

        page.Line();
        page.Table(
            ["TENANT", "VERIFIER KEY", "SIGNS FROM SIZE", "TO", "SINCE"],
            [.. logs.SelectMany(static log => log.Keys.Select(key => new Cell[] { log.Log.Tenant.Value, key.VerifierKey, Text(key.FromSize), key.UntilSize is { } until ? Text(until) : new Cell("in use", Tone.Good), WireTime.ToText(key.AddedAt) }))],
            "no tenant has a log");
        foreach (var log in logs.Where(static log => !log.IsOurs))
            page.Line(Tone.Bad, $"the log of {log.Log.Tenant} is not signed by the key in this file: it cannot be continued with it");
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <param name="Log">The log.</param>
    /// <param name="Keys">Its keys.</param>
    /// <param name="IsOurs">Whether the key in use is the one in the file.</param>
    private sealed record KeysOfLog(ServedLog Log, IReadOnlyList<LogKey> Keys, bool IsOurs);
}
