using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace RunProof.Cli;

/// <summary>What a command found: one JSON document for programs, a page for people.</summary>
/// <param name="Json">The document.</param>
/// <param name="Write">Writes the page.</param>
/// <param name="ExitCode">What the process ends with.</param>
internal sealed record Answer(JsonNode Json, Action<Page> Write, int ExitCode = ExitCode.Ok)
{
    /// <summary>Two blanks an indent, "\n" on every platform, and text as it is: no character is escaped that JSON does not ask for.</summary>
    private static readonly JsonSerializerOptions Layout = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private bool _isTold;

    /// <summary>An answer that was told while it happened: nothing more is printed.</summary>
    /// <param name="exitCode">What the process ends with.</param>
    internal static Answer Told(int exitCode) => new(new JsonObject(), static _ => { }, exitCode) { _isTold = true };

    /// <summary>Prints it.</summary>
    /// <param name="terminal">Where.</param>
    /// <param name="json">Whether a program reads it.</param>
    internal void Print(Terminal terminal, bool json)
    {
        if (_isTold)
            return;
        if (json)
            terminal.Output.WriteLine(Json.ToJsonString(Layout));
        else
            Write(new Page(terminal.Console));
    }

    /// <summary>The error object: what a program reads in place of a result.</summary>
    /// <param name="exitCode">What the process ends with.</param>
    /// <param name="code">A stable word.</param>
    /// <param name="message">What happened.</param>
    /// <param name="remedy">What to do about it, or null.</param>
    internal static JsonObject ErrorObject(int exitCode, string code, string message, string? remedy) => new()
    {
        ["error"] = new JsonObject { ["code"] = code, ["message"] = message, ["remedy"] = remedy, ["exit_code"] = exitCode },
    };

    /// <summary>A complaint: an object for a program, a line and its remedy for a person.</summary>
    /// <param name="terminal">Where.</param>
    /// <param name="json">Whether a program reads it.</param>
    /// <param name="problem">What happened.</param>
    internal static int Complain(Terminal terminal, bool json, CommandException problem)
    {
        if (json)
            terminal.Output.WriteLine(ErrorObject(problem.ExitCode, problem.Code, problem.Message, problem.Remedy).ToJsonString(Layout));
        else
            WriteLines(terminal, problem);
        return problem.ExitCode;
    }

    private static void WriteLines(Terminal terminal, CommandException problem)
    {
        terminal.Error.WriteLine("runproof: " + Printable.Of(problem.Message));
        if (problem.Remedy is { } remedy)
            terminal.Error.WriteLine("  " + Printable.Of(remedy));
    }
}
