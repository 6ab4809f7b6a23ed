using Spectre.Console;

namespace RunProof.Cli;

/// <summary>
/// Standard output and standard error. Results go to the one, progress and complaints to the other; colours and spinners only where a
/// person looks at it.
/// </summary>
internal sealed class Terminal
{
    /// <summary>Columns where no terminal sets a width: wide enough that no identifier is ever wrapped in a file or a pipe.</summary>
    private const int UnboundedWidth = 4096;

    private readonly IAnsiConsole _errorConsole;
    private readonly bool _errorIsTerminal;

    /// <summary>Takes the two streams.</summary>
    /// <param name="output">Standard output.</param>
    /// <param name="error">Standard error.</param>
    /// <param name="outputIsTerminal">Whether a person looks at standard output.</param>
    /// <param name="errorIsTerminal">Whether a person looks at standard error.</param>
    /// <param name="colors">False where the person wants none (NO_COLOR).</param>
    internal Terminal(TextWriter output, TextWriter error, bool outputIsTerminal, bool errorIsTerminal, bool colors)
    {
        Output = output;
        Error = error;
        Console = CreateConsole(output, outputIsTerminal, colors);
        _errorConsole = CreateConsole(error, errorIsTerminal, colors);
        _errorIsTerminal = errorIsTerminal;
    }

    /// <summary>Standard output, as it is.</summary>
    internal TextWriter Output { get; }

    /// <summary>Standard error, as it is.</summary>
    internal TextWriter Error { get; }

    /// <summary>Whether a person looks at standard error.</summary>
    internal bool ErrorIsTerminal => _errorIsTerminal;

    /// <summary>Columns of standard error.</summary>
    internal int ErrorWidth => _errorConsole.Profile.Width;

    /// <summary>Standard output for tables and colours.</summary>
    internal IAnsiConsole Console { get; }

    /// <summary>Does something that takes a while; a person at the terminal sees that it does.</summary>
    /// <typeparam name="T">What comes of it.</typeparam>
    /// <param name="doing">What: "waiting for the run".</param>
    /// <param name="work">The work.</param>
    internal Task<T> WhileAsync<T>(string doing, Func<Task<T>> work) =>
        _errorIsTerminal ? _errorConsole.Status().StartAsync(Markup.Escape(Printable.Of(doing)) + " …", _ => work()) : work();

    private static IAnsiConsole CreateConsole(TextWriter writer, bool isTerminal, bool colors)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = isTerminal && colors ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = isTerminal && colors ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = isTerminal ? InteractionSupport.Detect : InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
        });
        if (!isTerminal)
            console.Profile.Width = UnboundedWidth;
        else if (!System.Console.IsOutputRedirected)
            console.Profile.Width = Math.Max(40, System.Console.WindowWidth);
        return console;
    }
}
