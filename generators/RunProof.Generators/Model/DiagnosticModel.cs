namespace RunProof.Generators;

/// <summary>Something to tell the author, and where.</summary>
/// <param name="Id">The rule: <c>RP0004</c>.</param>
/// <param name="Place">Where.</param>
/// <param name="Arguments">What the rule's message names.</param>
internal sealed record DiagnosticModel(string Id, SourcePlace Place, EquatableArray<string> Arguments);

/// <summary>A place in a source file, without the file.</summary>
internal sealed record SourcePlace(string File, int Start, int Length, int StartLine, int StartColumn, int EndLine, int EndColumn);

/// <summary>What came of one attribute: code to write, or reasons why not.</summary>
/// <param name="Model">What to write; null where something is wrong or half-typed.</param>
/// <param name="Diagnostics">What to tell.</param>
internal sealed record Parsed<T>(T? Model, EquatableArray<DiagnosticModel> Diagnostics)
    where T : class;
