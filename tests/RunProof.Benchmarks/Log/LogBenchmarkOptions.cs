using System.Globalization;

namespace RunProof.Benchmarks;

/// <summary>What the measurement of proofs is asked for on its command line.</summary>
internal sealed record LogBenchmarkOptions
{
    internal const string Usage = "[--sizes 1000,100000,1000000] [--requests 400] [--traces 100] [--steps 10] [--params 512] [--outcome 512] [--folder PATH] [--set name=value …]";

    /// <summary>Entries of the logs, one tenant each; even.</summary>
    internal long[] Sizes { get; init; } = [1_000, 100_000, 1_000_000];

    /// <summary>Requests of each kind, one after another.</summary>
    internal int Requests { get; init; } = 400;

    /// <summary>Traces of each log that are recorded, spread over it, so that there are bundles of them.</summary>
    internal int Traces { get; init; } = 100;

    internal RecordOptions Recording { get; init; } = new();

    internal static LogBenchmarkOptions Parse(string[] args)
    {
        var (options, recording) = (new LogBenchmarkOptions(), new List<string>());
        for (var i = 0; i + 1 < args.Length; i += 2)
        {
            var value = args[i + 1];
            switch (args[i])
            {
                case "--sizes":
                    options = options with { Sizes = [.. value.Split(',').Select(size => long.Parse(size, CultureInfo.InvariantCulture) / 2 * 2)] };
                    break;
                case "--requests":
                    options = options with { Requests = int.Parse(value, CultureInfo.InvariantCulture) };
                    break;
                case "--traces":
                    options = options with { Traces = int.Parse(value, CultureInfo.InvariantCulture) };
                    break;
                case "--steps" or "--params" or "--outcome" or "--folder" or "--set":
                    recording.AddRange([args[i], value]);
                    break;
                default:
                    throw new ArgumentException($"unknown option {args[i]}; usage: log {Usage}");
            }
        }

        return options with { Recording = RecordOptions.Parse([.. recording]) };
    }
}
