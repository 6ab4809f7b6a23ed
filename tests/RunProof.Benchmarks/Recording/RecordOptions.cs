using System.Globalization;

namespace RunProof.Benchmarks;

/// <summary>What the macro benchmark is asked for on its command line.</summary>
internal sealed record RecordOptions
{
    internal const string Usage =
        "[--seconds 5] [--warmup 2] [--runs 1,16,64] [--steps 10] [--params 512] [--outcome 512] [--flushers 2] [--batch 128] [--baselines yes|no] [--folder PATH] [--set name=value …]";

    internal TimeSpan Measured { get; init; } = TimeSpan.FromSeconds(5);

    internal TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(2);

    internal int[] Runs { get; init; } = [1, 16, 64];

    internal int Steps { get; init; } = 10;

    internal int ParamsBytes { get; init; } = 512;

    internal int OutcomeBytes { get; init; } = 512;

    internal int Flushers { get; init; } = 2;

    internal int Batch { get; init; } = 128;

    internal bool Baselines { get; init; } = true;

    /// <summary>Where the cluster is made and removed again: it must be on a real disk, not in memory.</summary>
    internal string Folder { get; init; } = Path.Combine(Path.GetTempPath(), $"runproof-benchmark-{Environment.ProcessId}");

    /// <summary>Server settings beside the durable defaults; printed with the figures.</summary>
    internal Dictionary<string, string> Settings { get; init; } = new(StringComparer.Ordinal)
    {
        ["shared_buffers"] = "512MB", ["max_wal_size"] = "4GB", ["max_connections"] = "100",
    };

    internal static RecordOptions Parse(string[] args)
    {
        var options = new RecordOptions();
        for (var i = 0; i + 1 < args.Length; i += 2)
        {
            var value = args[i + 1];
            options = args[i] switch
            {
                "--seconds" => options with { Measured = TimeSpan.FromSeconds(Number(value)) },
                "--warmup" => options with { WarmUp = TimeSpan.FromSeconds(Number(value)) },
                "--runs" => options with { Runs = [.. value.Split(',').Select(Number)] },
                "--steps" => options with { Steps = Number(value) },
                "--params" => options with { ParamsBytes = Number(value) },
                "--outcome" => options with { OutcomeBytes = Number(value) },
                "--flushers" => options with { Flushers = Number(value) },
                "--batch" => options with { Batch = Number(value) },
                "--baselines" => options with { Baselines = value == "yes" },
                "--folder" => options with { Folder = value },
                "--set" => options.With(value),
                _ => throw new ArgumentException($"unknown option {args[i]}; usage: record {Usage}"),
            };
        }

        return options;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private RecordOptions With(string setting)
    {
        var parts = setting.Split('=', 2);
        Settings[parts[0]] = parts[1];
        return this;
    }
}
