namespace RunProof.Cli;

/// <summary>A command cannot go on. It is printed as one line and its remedy, never as a stack trace.</summary>
/// <param name="exitCode">One of <see cref="ExitCode"/>.</param>
/// <param name="code">A stable word for scripts: <c>unreachable</c>, <c>not_found</c>, ….</param>
/// <param name="message">What happened, in one line.</param>
/// <param name="remedy">What to do about it, or null where the message says it.</param>
/// <param name="httpStatus">What a service answered, or null where none did.</param>
internal sealed class CommandException(int exitCode, string code, string message, string? remedy = null, int? httpStatus = null) : Exception(message)
{
    /// <summary>What the process ends with.</summary>
    internal int ExitCode { get; } = exitCode;

    /// <summary>A stable word for scripts.</summary>
    internal string Code { get; } = code;

    /// <summary>What to do about it, or null.</summary>
    internal string? Remedy { get; } = remedy;

    /// <summary>What a service answered, or null.</summary>
    internal int? HttpStatus { get; } = httpStatus;

    /// <summary>The command line or an input cannot be read.</summary>
    internal static CommandException Usage(string message, string? remedy = null) => new(Cli.ExitCode.Usage, "usage", message, remedy);
}
