using System.CommandLine;

namespace RunProof.Cli;

/// <summary>One command as it was called.</summary>
/// <param name="Parse">The words.</param>
/// <param name="World">The world.</param>
internal sealed record Invocation(ParseResult Parse, World World)
{
    /// <summary>Whether a program reads the output.</summary>
    internal bool Json => Parse.GetValue(GlobalOptions.Json);

    /// <summary>Says something to a person while it happens; a program gets its one document at the end.</summary>
    /// <param name="write">Writes it.</param>
    internal void Tell(Action<Page> write)
    {
        if (!Json)
            write(new Page(World.Terminal.Console));
    }

    /// <summary>The value of an option, or its default.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="option">The option.</param>
    internal T? Get<T>(Option<T> option) => Parse.GetValue(option);

    /// <summary>The value of an argument.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="argument">The argument.</param>
    internal T Get<T>(Argument<T> argument) => Parse.GetRequiredValue(argument);
}

/// <summary>What a command does.</summary>
internal static class CommandBehavior
{
    /// <summary>Gives a command what it does; its answer is printed once it is known.</summary>
    /// <param name="command">The command.</param>
    /// <param name="world">The world.</param>
    /// <param name="work">What it does.</param>
    internal static Command Does(this Command command, World world, Func<Invocation, CancellationToken, Task<Answer>> work)
    {
        command.SetAction(async (parse, cancellationToken) =>
        {
            var invocation = new Invocation(parse, world);
            var answer = await work(invocation, cancellationToken);
            answer.Print(world.Terminal, invocation.Json);
            return answer.ExitCode;
        });
        return command;
    }
}
