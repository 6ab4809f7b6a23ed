using Microsoft.Extensions.Logging;

namespace RunProof.AppHost;

/// <summary>Puts the warnings and the progress of a part that logs on the screen.</summary>
internal sealed class ScreenLogger(Screen screen, string name) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        if (logLevel >= LogLevel.Warning)
            screen.Warn(name, formatter(state, exception));
        else
            screen.Say(name, formatter(state, exception));
    }
}
