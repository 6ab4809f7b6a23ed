using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace RunProof.Cli;

/// <summary>From the words on the command line to an exit code.</summary>
internal static class CommandLine
{
    // Response files (@file) would read a goal that begins with @ as a file's name.
    private static readonly ParserConfiguration Grammar = new() { ResponseFileTokenReplacer = null };

    /// <summary>Runs one command.</summary>
    /// <param name="args">The words.</param>
    /// <param name="world">The world.</param>
    /// <param name="cancellationToken">Ctrl-C.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    internal static async Task<int> RunAsync(string[] args, World world, CancellationToken cancellationToken)
    {
        var root = CommandTree.Create(world);
        var parse = root.Parse(args, Grammar);
        var json = args.TakeWhile(word => word != "--").Contains("--json");
        if (parse.Action is ParseErrorAction)
            return RefuseWords(root, parse, world.Terminal, json);
        try
        {
            return await parse.InvokeAsync(ConfigurationFor(world.Terminal.Output, world.Terminal.Error), cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
        catch (CommandException problem)
        {
            return Answer.Complain(world.Terminal, json, problem);
        }
        catch (Exception problem)
        {
            if (world.Variable("RUNPROOF_DEBUG") is not null)
                await world.Terminal.Error.WriteLineAsync(problem.ToString());
            return Answer.Complain(world.Terminal, json, Unexpected(problem));
        }
    }

    private static CommandException Unexpected(Exception problem) => new(
        ExitCode.Error, "unexpected", $"unexpected {problem.GetType().Name}: {problem.Message.ReplaceLineEndings(" ")}", "set RUNPROOF_DEBUG=1 to see where it comes from");

    private static int RefuseWords(RootCommand root, ParseResult parse, Terminal terminal, bool json)
    {
        var errors = parse.Errors.Select(error => error.Message).Distinct(StringComparer.Ordinal).ToArray();
        if (errors.Length > 1)
            errors = [.. errors.Where(error => !error.StartsWith("Required command", StringComparison.Ordinal))];
        if (json)
            return Answer.Complain(terminal, json, CommandException.Usage(string.Join(" ", errors), $"{PathOf(parse)} --help"));
        foreach (var error in errors)
            terminal.Error.WriteLine("runproof: " + Printable.Of(error));
        terminal.Error.WriteLine();
        root.Parse([.. Words(parse).Skip(1), "--help"], Grammar).Invoke(ConfigurationFor(terminal.Error, terminal.Error));
        return ExitCode.Usage;
    }

    private static InvocationConfiguration ConfigurationFor(TextWriter output, TextWriter error) =>
        new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Output = output, Error = error };

    private static string PathOf(ParseResult parse) => string.Join(' ', Words(parse));

    private static IEnumerable<string> Words(ParseResult parse)
    {
        var words = new Stack<string>();
        for (SymbolResult? result = parse.CommandResult; result is not null; result = result.Parent)
            words.Push(result is CommandResult { Command: RootCommand } ? "runproof" : ((CommandResult)result).Command.Name);
        return words;
    }
}
