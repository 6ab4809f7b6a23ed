using System.Globalization;

namespace RunProof.Verification;

/// <summary>Where a finding is: a record of the trace and, where it can be told, one of its columns.</summary>
internal readonly record struct Place(string Path, string Subject, string? Column)
{
    internal static Place Header { get; } = new("header", "header", null);

    internal static Place Seal { get; } = new("seal", "seal", null);

    internal static Place RootHash { get; } = new("root_hash", "root_hash", null);

    internal static Place Trace { get; } = new("trace", "trace", null);

    internal static Place Step(int index) =>
        new(string.Create(CultureInfo.InvariantCulture, $"steps[{index}]"), string.Create(CultureInfo.InvariantCulture, $"step {index}"), null);

    internal Place At(string column) => this with { Column = column };

    internal Finding Finding(string code, string said) => new(code, ToString(), Column is null ? $"{Subject}: {said}" : $"{Subject}: {Column} {said}");

    public override string ToString() => Column is null ? Path : $"{Path}.{Column}";
}
