using System.Globalization;
using System.Text;
using System.Text.Unicode;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.BuiltinSkills;

/// <summary>What to start.</summary>
[Canonical(Name = "shell.parameters")]
public sealed partial record ShellParameters
{
    /// <summary>The name that the operator gave the program.</summary>
    public required string Executable { get; init; }

    /// <summary>Its arguments, one by one: nothing is split, expanded or quoted.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>What it reads from standard input.</summary>
    public string Input { get; init; } = "";

    /// <summary>Milliseconds after which it is killed: 1 to 300000.</summary>
    public int TimeoutMs { get; init; } = 20_000;

    /// <summary>Bytes of output, and as many of errors, after which it is killed: 0 to 16777216.</summary>
    public int MaxOutputBytes { get; init; } = 1_048_576;
}

/// <summary>What it did.</summary>
[Canonical(Name = "shell.outcome")]
public sealed partial record ShellOutcome
{
    /// <summary>Its exit code; null where it was killed.</summary>
    public required int? ExitCode { get; init; }

    /// <summary>What it wrote to standard output, where that is UTF-8, else null.</summary>
    public required string? Output { get; init; }

    /// <summary>What it wrote to standard output, where that is no UTF-8, else null.</summary>
    public required byte[]? OutputData { get; init; }

    /// <summary>What it wrote to standard error, where that is UTF-8, else null.</summary>
    public required string? Error { get; init; }

    /// <summary>What it wrote to standard error, where that is no UTF-8, else null.</summary>
    public required byte[]? ErrorData { get; init; }
}

/// <summary>Starts a configured program in the tenant's folder, without a shell, and waits for its end. Only where the operator has listed programs.</summary>
/// <remarks>
/// Failures: <c>unknown_executable</c>, <c>invalid_parameters</c>, <c>not_started</c>, <c>exit_1</c> and its like (with what it wrote), <c>timeout</c>,
/// <c>output_too_large</c>, <c>not_configured</c> and <c>not_supported</c> where the tenant has no folder.
/// </remarks>
[Skill("shell", Version = "1.0.0", Replay = ReplayBehavior.Skip)]
public sealed partial class ShellSkill(ShellExecutables executables, FileRoots roots)
{
    private const int LongestArguments = 100_000;

    /// <summary>Starts it and waits.</summary>
    /// <param name="parameters">What.</param>
    /// <param name="context">The step: its tenant's programs and folder, and the clock that counts the timeout.</param>
    /// <param name="cancellationToken">Kills it.</param>
    /// <exception cref="SkillException">It cannot be started.</exception>
    /// <exception cref="OperationCanceledException">The step timed out or the run was stopped; the call's own timeout is a failure.</exception>
    /// <returns>What it did.</returns>
    public async Task<SkillResult<ShellOutcome>> ExecuteAsync(ShellParameters parameters, SkillContext context, CancellationToken cancellationToken)
    {
        if (executables.Find(parameters.Executable, context.TenantId) is not { } executable)
            return Failed("unknown_executable", "the operator has given this tenant no program of that name");
        if (Wrong(parameters) is { } wrong)
            return Failed("invalid_parameters", wrong);
        using var timeout = new CancellationTokenSource(TimeSpan.FromMilliseconds(parameters.TimeoutMs), context.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        using var process = ShellProcess.Start(executable, parameters.Arguments, roots.PathOf(context.TenantId));
        try
        {
            return Judge(parameters, await process.RunAsync(Encoding.UTF8.GetBytes(parameters.Input), parameters.MaxOutputBytes, either.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return Failed("timeout", string.Create(CultureInfo.InvariantCulture, $"it had not ended after {parameters.TimeoutMs} ms and was killed"), retryable: true);
        }
    }

    private static SkillResult<ShellOutcome> Judge(ShellParameters parameters, ShellProcess.Ended ended)
    {
        var (output, outputData) = TextOrData(ended.Output);
        var (error, errorData) = TextOrData(ended.Error);
        var outcome = new ShellOutcome { ExitCode = ended.ExitCode, Output = output, OutputData = outputData, Error = error, ErrorData = errorData };
        if (ended.TooMuch)
            return SkillResult<ShellOutcome>.Failed(
                new SkillFailure("output_too_large", string.Create(CultureInfo.InvariantCulture, $"it wrote more than {parameters.MaxOutputBytes} bytes and was killed")), outcome);
        return ended.ExitCode is 0
            ? outcome
            : SkillResult<ShellOutcome>.Failed(
                new SkillFailure(string.Create(CultureInfo.InvariantCulture, $"exit_{ended.ExitCode}"), string.Create(CultureInfo.InvariantCulture, $"\"{parameters.Executable}\" ended with {ended.ExitCode}")), outcome);
    }

    private static (string? Text, byte[]? Data) TextOrData(byte[] bytes) => Utf8.IsValid(bytes) ? (Encoding.UTF8.GetString(bytes), null) : (null, bytes);

    private static string? Wrong(ShellParameters parameters)
    {
        if (parameters.TimeoutMs is < 1 or > 300_000)
            return "timeout_ms must be from 1 to 300000";
        if (parameters.MaxOutputBytes is < 0 or > 16_777_216)
            return "max_output_bytes must be from 0 to 16777216";
        if (parameters.Arguments.Sum(argument => (long)Encoding.UTF8.GetByteCount(argument) + 1) > LongestArguments)
            return "arguments must be of at most 100000 bytes in all";
        return parameters.Arguments.Any(argument => argument.Contains('\0', StringComparison.Ordinal)) ? "no argument may hold U+0000" : null;
    }

    private static SkillResult<ShellOutcome> Failed(string code, string message, bool retryable = false) =>
        SkillResult<ShellOutcome>.Failed(new SkillFailure(code, message, retryable));
}
