namespace RunProof.Format;

/// <summary>A value whose whole form is one text.</summary>
/// <typeparam name="TSelf">The value's type.</typeparam>
public interface IWireText<TSelf>
    where TSelf : struct, IWireText<TSelf>
{
    /// <summary>Takes a text that may be ill-formed.</summary>
    /// <param name="text">Any text or null.</param>
    /// <param name="value">The value, where the text is well-formed.</param>
    /// <returns>Whether it is.</returns>
    static abstract bool TryParse(string? text, out TSelf value);
}

/// <summary>The alphabets of proof-format.md's introduction.</summary>
internal static class WireAlphabet
{
    internal static bool IsId(string? text)
    {
        return text is { Length: >= 1 and <= 128 } && !text.AsSpan().ContainsAnyExceptInRange('!', '~');
    }

    internal static bool IsTenant(string? text)
    {
        return text is { Length: >= 1 and <= 64 } && !text.AsSpan().ContainsAnyExcept(Tenant);
    }

    private static readonly System.Buffers.SearchValues<char> Tenant =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
}

/// <summary>A tenant; it also names the tenant's log.</summary>
[CanonicalScalar("string")]
[System.Text.Json.Serialization.JsonConverter(typeof(WireTextJsonConverter<TenantId>))]
public readonly record struct TenantId : ICanonicalScalar<TenantId>, IWireText<TenantId>
{
    private readonly string? _value;

    private TenantId(string value) => _value = value;

    /// <summary>The text.</summary>
    public string Value => _value ?? "";

    /// <summary>Takes a text that must be well-formed.</summary>
    /// <param name="text">1 to 64 of A-Z a-z 0-9 . _ -.</param>
    /// <exception cref="FormatException">It is not.</exception>
    /// <returns>The identity.</returns>
    public static TenantId Parse(string text) =>
        TryParse(text, out var value) ? value : throw new FormatException($"not a tenant id: \"{text}\" (1 to 64 of A-Z a-z 0-9 . _ -)");

    /// <summary>Takes a text that may be ill-formed.</summary>
    /// <param name="text">Any text or null.</param>
    /// <param name="value">The identity, where the text is well-formed.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] string? text, out TenantId value)
    {
        value = WireAlphabet.IsTenant(text) ? new TenantId(text!) : default;
        return value._value is not null;
    }

    /// <inheritdoc/>
    public void WriteCanonical(ref CanonicalWriter writer) => writer.WriteString(Value);

    /// <inheritdoc/>
    public static bool TryBind(System.Text.Json.JsonElement json, out TenantId value)
    {
        value = default;
        return json.ValueKind == System.Text.Json.JsonValueKind.String && TryParse(json.GetString(), out value);
    }

    /// <inheritdoc/>
    public static bool TryReadCanonical(ref CanonicalReader reader, out TenantId value) => reader.TryReadWireText(out value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>A run of an agent.</summary>
[CanonicalScalar("string")]
[System.Text.Json.Serialization.JsonConverter(typeof(WireTextJsonConverter<RunId>))]
public readonly record struct RunId : ICanonicalScalar<RunId>, IWireText<RunId>
{
    private readonly string? _value;

    private RunId(string value) => _value = value;

    /// <summary>The text.</summary>
    public string Value => _value ?? "";

    /// <summary>Takes a text that must be well-formed.</summary>
    /// <param name="text">1 to 128 printable ASCII characters without space.</param>
    /// <exception cref="FormatException">It is not.</exception>
    /// <returns>The identity.</returns>
    public static RunId Parse(string text) =>
        TryParse(text, out var value) ? value : throw new FormatException($"not a run id: \"{text}\" (1 to 128 printable ASCII characters without space)");

    /// <summary>Takes a text that may be ill-formed.</summary>
    /// <param name="text">Any text or null.</param>
    /// <param name="value">The identity, where the text is well-formed.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] string? text, out RunId value)
    {
        value = WireAlphabet.IsId(text) ? new RunId(text!) : default;
        return value._value is not null;
    }

    /// <inheritdoc/>
    public void WriteCanonical(ref CanonicalWriter writer) => writer.WriteString(Value);

    /// <inheritdoc/>
    public static bool TryBind(System.Text.Json.JsonElement json, out RunId value)
    {
        value = default;
        return json.ValueKind == System.Text.Json.JsonValueKind.String && TryParse(json.GetString(), out value);
    }

    /// <inheritdoc/>
    public static bool TryReadCanonical(ref CanonicalReader reader, out RunId value) => reader.TryReadWireText(out value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>A trace: the evidence of one attempt of a run.</summary>
[CanonicalScalar("string")]
[System.Text.Json.Serialization.JsonConverter(typeof(WireTextJsonConverter<TraceId>))]
public readonly record struct TraceId : ICanonicalScalar<TraceId>, IWireText<TraceId>
{
    private readonly string? _value;

    private TraceId(string value) => _value = value;

    /// <summary>The text.</summary>
    public string Value => _value ?? "";

    /// <summary>Takes a text that must be well-formed.</summary>
    /// <param name="text">1 to 128 printable ASCII characters without space.</param>
    /// <exception cref="FormatException">It is not.</exception>
    /// <returns>The identity.</returns>
    public static TraceId Parse(string text) =>
        TryParse(text, out var value) ? value : throw new FormatException($"not a trace id: \"{text}\" (1 to 128 printable ASCII characters without space)");

    /// <summary>Takes a text that may be ill-formed.</summary>
    /// <param name="text">Any text or null.</param>
    /// <param name="value">The identity, where the text is well-formed.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] string? text, out TraceId value)
    {
        value = WireAlphabet.IsId(text) ? new TraceId(text!) : default;
        return value._value is not null;
    }

    /// <summary>The trace of a run that RunProof executes: <c>trace_</c> and the run's id (section 3).</summary>
    /// <param name="run">The run.</param>
    /// <returns>The trace's id.</returns>
    public static TraceId Of(RunId run) => new("trace_" + run.Value);

    /// <summary>The trace of one attempt of a run: of the first as <see cref="Of(RunId)"/>, of another with its number behind it: <c>trace_ID.2</c>.</summary>
    /// <param name="run">The run.</param>
    /// <param name="attempt">The attempt, from 1; less than that is taken for 1.</param>
    /// <returns>The trace's id.</returns>
    public static TraceId Of(RunId run, int attempt) =>
        attempt <= 1 ? Of(run) : new(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"trace_{run.Value}.{attempt}"));

    /// <inheritdoc/>
    public void WriteCanonical(ref CanonicalWriter writer) => writer.WriteString(Value);

    /// <inheritdoc/>
    public static bool TryBind(System.Text.Json.JsonElement json, out TraceId value)
    {
        value = default;
        return json.ValueKind == System.Text.Json.JsonValueKind.String && TryParse(json.GetString(), out value);
    }

    /// <inheritdoc/>
    public static bool TryReadCanonical(ref CanonicalReader reader, out TraceId value) => reader.TryReadWireText(out value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>An agent.</summary>
[CanonicalScalar("string")]
[System.Text.Json.Serialization.JsonConverter(typeof(WireTextJsonConverter<AgentId>))]
public readonly record struct AgentId : ICanonicalScalar<AgentId>, IWireText<AgentId>
{
    private readonly string? _value;

    private AgentId(string value) => _value = value;

    /// <summary>The text.</summary>
    public string Value => _value ?? "";

    /// <summary>Takes a text that must be well-formed.</summary>
    /// <param name="text">1 to 128 printable ASCII characters without space.</param>
    /// <exception cref="FormatException">It is not.</exception>
    /// <returns>The identity.</returns>
    public static AgentId Parse(string text) =>
        TryParse(text, out var value) ? value : throw new FormatException($"not a agent id: \"{text}\" (1 to 128 printable ASCII characters without space)");

    /// <summary>Takes a text that may be ill-formed.</summary>
    /// <param name="text">Any text or null.</param>
    /// <param name="value">The identity, where the text is well-formed.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] string? text, out AgentId value)
    {
        value = WireAlphabet.IsId(text) ? new AgentId(text!) : default;
        return value._value is not null;
    }

    /// <inheritdoc/>
    public void WriteCanonical(ref CanonicalWriter writer) => writer.WriteString(Value);

    /// <inheritdoc/>
    public static bool TryBind(System.Text.Json.JsonElement json, out AgentId value)
    {
        value = default;
        return json.ValueKind == System.Text.Json.JsonValueKind.String && TryParse(json.GetString(), out value);
    }

    /// <inheritdoc/>
    public static bool TryReadCanonical(ref CanonicalReader reader, out AgentId value) => reader.TryReadWireText(out value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>The caller's own name for what a run belongs to.</summary>
[CanonicalScalar("string")]
[System.Text.Json.Serialization.JsonConverter(typeof(WireTextJsonConverter<CorrelationId>))]
public readonly record struct CorrelationId : ICanonicalScalar<CorrelationId>, IWireText<CorrelationId>
{
    private readonly string? _value;

    private CorrelationId(string value) => _value = value;

    /// <summary>The text.</summary>
    public string Value => _value ?? "";

    /// <summary>Takes a text that must be well-formed.</summary>
    /// <param name="text">1 to 128 printable ASCII characters without space.</param>
    /// <exception cref="FormatException">It is not.</exception>
    /// <returns>The identity.</returns>
    public static CorrelationId Parse(string text) =>
        TryParse(text, out var value) ? value : throw new FormatException($"not a correlation id: \"{text}\" (1 to 128 printable ASCII characters without space)");

    /// <summary>Takes a text that may be ill-formed.</summary>
    /// <param name="text">Any text or null.</param>
    /// <param name="value">The identity, where the text is well-formed.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] string? text, out CorrelationId value)
    {
        value = WireAlphabet.IsId(text) ? new CorrelationId(text!) : default;
        return value._value is not null;
    }

    /// <inheritdoc/>
    public void WriteCanonical(ref CanonicalWriter writer) => writer.WriteString(Value);

    /// <inheritdoc/>
    public static bool TryBind(System.Text.Json.JsonElement json, out CorrelationId value)
    {
        value = default;
        return json.ValueKind == System.Text.Json.JsonValueKind.String && TryParse(json.GetString(), out value);
    }

    /// <inheritdoc/>
    public static bool TryReadCanonical(ref CanonicalReader reader, out CorrelationId value) => reader.TryReadWireText(out value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}
