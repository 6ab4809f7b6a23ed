using System.Globalization;

namespace RunProof.Benchmarks;

/// <summary>What the audit's benchmark is asked for on its command line.</summary>
internal sealed record AuditBenchOptions
{
    internal const string Usage = "[--steps 1000000] [--trace-steps 10] [--params 768] [--outcome 768] [--workers 1,2] [--turns 3] [--folder PATH]";

    internal int Steps { get; init; } = 1_000_000;

    internal int TraceSteps { get; init; } = 10;

    internal int ParamsBytes { get; init; } = 768;

    internal int OutcomeBytes { get; init; } = 768;

    internal int[] Workers { get; init; } = [1, 2];

    internal int Turns { get; init; } = 3;

    internal string Folder { get; init; } = Path.Combine(Path.GetTempPath(), $"runproof-benchmark-{Environment.ProcessId}");

    internal int Traces => Steps / TraceSteps;

    internal static AuditBenchOptions Parse(string[] args)
    {
        var options = new AuditBenchOptions();
        for (var i = 0; i + 1 < args.Length; i += 2)
        {
            var value = args[i + 1];
            options = args[i] switch
            {
                "--steps" => options with { Steps = Number(value) },
                "--trace-steps" => options with { TraceSteps = Number(value) },
                "--params" => options with { ParamsBytes = Number(value) },
                "--outcome" => options with { OutcomeBytes = Number(value) },
                "--workers" => options with { Workers = [.. value.Split(',').Select(Number)] },
                "--turns" => options with { Turns = Number(value) },
                "--folder" => options with { Folder = value },
                _ => throw new ArgumentException($"unknown option {args[i]}; usage: audit {Usage}"),
            };
        }

        return options;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
