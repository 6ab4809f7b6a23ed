using System.Globalization;

namespace RunProof.Benchmarks;

/// <summary>What the measurement of sealing is asked for on its command line.</summary>
internal sealed record SealOptions
{
    internal const string Usage =
        "[--traces 5000] [--steps 1,10] [--params 512] [--outcome 512] [--batch 256] [--examiners N] [--turns 3] [--load 10] [--runs 16] [--folder PATH] [--set name=value …]";

    /// <summary>Traces that are recorded, then sealed, in each turn.</summary>
    internal int Traces { get; init; } = 5000;

    internal int[] Steps { get; init; } = [1, 10];

    internal int Batch { get; init; } = 256;

    /// <summary>Parts of a batch that are recomputed side by side; null for the product's default.</summary>
    internal int? Examiners { get; init; }

    internal int Turns { get; init; } = 3;

    /// <summary>How long recording and sealing run side by side at the end; zero for not at all.</summary>
    internal TimeSpan Load { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Payload sizes, how many runs are recorded at once, folder and server settings.</summary>
    internal RecordOptions Recording { get; init; } = new() { Runs = [16] };

    internal static SealOptions Parse(string[] args)
    {
        var (options, recording) = (new SealOptions(), new List<string>());
        for (var i = 0; i + 1 < args.Length; i += 2)
        {
            var value = args[i + 1];
            switch (args[i])
            {
                case "--traces":
                    options = options with { Traces = Number(value) };
                    break;
                case "--steps":
                    options = options with { Steps = [.. value.Split(',').Select(Number)] };
                    break;
                case "--batch":
                    options = options with { Batch = Number(value) };
                    break;
                case "--examiners":
                    options = options with { Examiners = Number(value) };
                    break;
                case "--turns":
                    options = options with { Turns = Number(value) };
                    break;
                case "--load":
                    options = options with { Load = TimeSpan.FromSeconds(Number(value)) };
                    break;
                case "--params" or "--outcome" or "--runs" or "--folder" or "--set":
                    recording.AddRange([args[i], value]);
                    break;
                default:
                    throw new ArgumentException($"unknown option {args[i]}; usage: seal {Usage}");
            }
        }

        return options with { Recording = RecordOptions.Parse(["--runs", "16", .. recording]) };
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
