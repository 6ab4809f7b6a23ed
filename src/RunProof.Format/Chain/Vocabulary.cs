namespace RunProof.Format;

/// <summary>How a step ended.</summary>
public enum StepStatus
{
    /// <summary>It did what it should.</summary>
    Succeeded,

    /// <summary>It did not, and is not tried again.</summary>
    Failed,

    /// <summary>It was not executed.</summary>
    Skipped,

    /// <summary>It failed and is tried again, as a step of its own.</summary>
    Retrying,

    /// <summary>A policy refused it.</summary>
    Blocked,

    /// <summary>It began, and a crash hid its outcome.</summary>
    Interrupted,
}

/// <summary>A fixed function of the step's status (<see cref="Wire.LevelOf"/>).</summary>
public enum StepLevel
{
    /// <summary>Succeeded or skipped.</summary>
    [WireName("INFO")]
    Info,

    /// <summary>Retrying.</summary>
    [WireName("WARN")]
    Warn,

    /// <summary>Failed, blocked or interrupted.</summary>
    [WireName("ERROR")]
    Error,
}

/// <summary>Who recorded a step.</summary>
public enum StepSource
{
    /// <summary>RunProof's own engine.</summary>
    Engine,

    /// <summary>Another system, through the API.</summary>
    External,

    /// <summary>An OpenTelemetry span.</summary>
    Otlp,

    /// <summary>A Model Context Protocol server.</summary>
    Mcp,

    /// <summary>A replay.</summary>
    Replay,
}

/// <summary>What a replay does with a step.</summary>
public enum ReplayBehavior
{
    /// <summary>Executes it again.</summary>
    Execute,

    /// <summary>Takes the recorded outcome.</summary>
    Skip,

    /// <summary>Executes it and compares.</summary>
    Check,
}

/// <summary>How a trace was sealed.</summary>
public enum SealStatus
{
    /// <summary>All steps were done.</summary>
    Completed,

    /// <summary>A step failed and the plan ended there.</summary>
    Failed,

    /// <summary>The run was stopped, or died and was recovered.</summary>
    Aborted,
}

/// <summary>Wire names of the vocabulary, both ways, without reflection.</summary>
public static class Wire
{
    private static readonly string[] Statuses = ["succeeded", "failed", "skipped", "retrying", "blocked", "interrupted"];
    private static readonly string[] Levels = ["INFO", "WARN", "ERROR"];
    private static readonly string[] Sources = ["engine", "external", "otlp", "mcp", "replay"];
    private static readonly string[] Behaviors = ["execute", "skip", "check"];
    private static readonly string[] Seals = ["completed", "failed", "aborted"];

    /// <summary>The level that goes with a status (proof-format.md section 3).</summary>
    /// <param name="status">The status.</param>
    /// <returns>Its level.</returns>
    public static StepLevel LevelOf(StepStatus status) => status switch
    {
        StepStatus.Succeeded or StepStatus.Skipped => StepLevel.Info,
        StepStatus.Retrying => StepLevel.Warn,
        _ => StepLevel.Error,
    };

    /// <summary>The wire name.</summary>
    /// <param name="value">The value.</param>
    public static string Name(StepStatus value) => Statuses[(int)value];

    /// <summary>The wire name.</summary>
    /// <param name="value">The value.</param>
    public static string Name(StepLevel value) => Levels[(int)value];

    /// <summary>The wire name.</summary>
    /// <param name="value">The value.</param>
    public static string Name(StepSource value) => Sources[(int)value];

    /// <summary>The wire name.</summary>
    /// <param name="value">The value.</param>
    public static string Name(ReplayBehavior value) => Behaviors[(int)value];

    /// <summary>The wire name.</summary>
    /// <param name="value">The value.</param>
    public static string Name(SealStatus value) => Seals[(int)value];

    /// <summary>Reads a wire name; any other word is refused.</summary>
    /// <param name="name">The word.</param>
    /// <param name="value">The value.</param>
    public static bool TryParse(string? name, out StepStatus value) => Find(Statuses, name, out value);

    /// <inheritdoc cref="TryParse(string?, out StepStatus)"/>
    public static bool TryParse(string? name, out StepLevel value) => Find(Levels, name, out value);

    /// <inheritdoc cref="TryParse(string?, out StepStatus)"/>
    public static bool TryParse(string? name, out StepSource value) => Find(Sources, name, out value);

    /// <inheritdoc cref="TryParse(string?, out StepStatus)"/>
    public static bool TryParse(string? name, out ReplayBehavior value) => Find(Behaviors, name, out value);

    /// <inheritdoc cref="TryParse(string?, out StepStatus)"/>
    public static bool TryParse(string? name, out SealStatus value) => Find(Seals, name, out value);

    private static bool Find<T>(string[] names, string? name, out T value)
        where T : struct, Enum
    {
        var index = name is null ? -1 : Array.IndexOf(names, name);
        value = index < 0 ? default : System.Runtime.CompilerServices.Unsafe.BitCast<int, T>(index);
        return index >= 0;
    }
}
