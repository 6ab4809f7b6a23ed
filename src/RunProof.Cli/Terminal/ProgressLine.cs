namespace RunProof.Cli;

/// <summary>One line on standard error that says how far something is: in place where a person looks at it, else a line every few seconds.</summary>
/// <param name="terminal">Where.</param>
/// <param name="clock">The clock.</param>
internal sealed class ProgressLine(Terminal terminal, TimeProvider clock)
{
    private static readonly TimeSpan InPlace = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan InLines = TimeSpan.FromSeconds(5);

    private long _said = clock.GetTimestamp();
    private bool _isOpen;

    /// <summary>Says how far it is, if it is time to.</summary>
    /// <param name="text">Makes the line.</param>
    internal void Say(Func<string> text)
    {
        if (clock.GetElapsedTime(_said) < (terminal.ErrorIsTerminal ? InPlace : InLines))
            return;
        _said = clock.GetTimestamp();
        var line = Printable.Of(text());
        if (!terminal.ErrorIsTerminal)
        {
            terminal.Error.WriteLine(line);
            return;
        }

        // Back to the line's start, the text, and what was there before it away.
        terminal.Error.Write("\r" + line[..Math.Min(line.Length, terminal.ErrorWidth - 1)] + "\u001b[K");
        _isOpen = true;
    }

    /// <summary>Takes the line away.</summary>
    internal void End()
    {
        if (_isOpen)
            terminal.Error.Write("\r\u001b[K");
        _isOpen = false;
    }
}
