using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using RunProof.Format;

namespace RunProof.Cli;

/// <summary><c>canonical FILE…</c>: canonical JSON of any JSON, one line a file. A file called lock is ./lock.</summary>
internal static class CanonicalCommand
{
    private static readonly Argument<string[]> Files = new("FILE") { Arity = ArgumentArity.OneOrMore, Description = "JSON files; - is standard input." };

    private static readonly Option<bool> Exact = new("--exact")
    {
        Description = "Refuse numbers that a double does not hold exactly, as RunProof's own evidence does. Default: RFC 8785 to the letter.",
    };

    internal static Command Create(World world) =>
        new Command("canonical", "Print the canonical form (RFC 8785) of JSON files, one line each.") { Files, Exact, CanonicalLockCommand.Create(world) }
            .Does(world, RunAsync);

    private static async Task<Answer> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var rule = invocation.Get(Exact) ? NumberRule.Exact : NumberRule.Nearest;
        var results = new List<Result>();
        foreach (var file in invocation.Get(Files))
            results.Add(Canonicalize(file, await InputFile.ReadAsync(file, invocation.World, cancellationToken), rule));
        foreach (var bad in results.Where(result => result.Error is not null && !invocation.Json))
            await invocation.World.Terminal.Error.WriteLineAsync($"runproof: {Printable.Of(bad.File)}: {Printable.Of(bad.Error!)}");
        var document = new JsonObject { ["items"] = new JsonArray([.. results.Select(result => result.ToJson())]) };
        return new Answer(
            document, _ => WriteLines(invocation.World.Terminal, results), results.Exists(result => result.Error is not null) ? ExitCode.Usage : ExitCode.Ok);
    }

    // Canonical bytes are a result of their own: they go out as they are, without a page's care for terminals.
    private static void WriteLines(Terminal terminal, List<Result> results)
    {
        foreach (var result in results)
        {
            if (result.Canonical is { } canonical)
                terminal.Output.WriteLine(Encoding.UTF8.GetString(canonical));
        }
    }

    private static Result Canonicalize(string file, byte[] json, NumberRule rule)
    {
        try
        {
            return new Result(file, Canonicalizer.Canonicalize(json, rule), null);
        }
        catch (CanonicalFormatException problem)
        {
            return new Result(file, null, (problem.Offset is { } offset ? PlaceOf(json, offset) : "") + problem.Message);
        }
    }

    /// <summary>Where an editor finds a byte. A column counts characters, so that it is what the editor shows.</summary>
    private static string PlaceOf(ReadOnlySpan<byte> json, int offset)
    {
        var before = json[..Math.Min(offset, json.Length)];
        var line = before[(before.LastIndexOf((byte)'\n') + 1)..];
        return string.Create(CultureInfo.InvariantCulture, $"line {before.Count((byte)'\n') + 1}, column {Encoding.UTF8.GetCharCount(line) + 1}, ");
    }

    private sealed record Result(string File, byte[]? Canonical, string? Error)
    {
        internal JsonObject ToJson() => new()
        {
            ["file"] = File,
            ["canonical"] = Canonical is null ? null : Encoding.UTF8.GetString(Canonical),
            ["sha256"] = Canonical is null ? null : Digest.Of(Canonical).ToString(),
            ["error"] = Error,
        };
    }
}
