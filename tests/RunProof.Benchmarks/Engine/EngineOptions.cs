using System.Globalization;

namespace RunProof.Benchmarks;

/// <summary>What the measurement of the engine is asked for on its command line.</summary>
internal sealed record EngineOptions
{
    internal const string Usage = "[--runs 1,16,64] [--seconds 8] [--warmup 3] [--turns 2] [--steps 10] [--bytes 512] [--idle 60] [--peer yes|no] [--folder PATH] [--set name=value …]";

    /// <summary>Runs at once.</summary>
    internal int[] Runs { get; init; } = [1, 16, 64];

    internal int Seconds { get; init; } = 8;

    internal int WarmUp { get; init; } = 3;

    /// <summary>How often each is measured, RunProof and the peer by turns.</summary>
    internal int Turns { get; init; } = 2;

    /// <summary>Steps of a run.</summary>
    internal int Steps { get; init; } = 10;

    /// <summary>Characters of the message that a step echoes: it is in its parameters and in its outcome.</summary>
    internal int Bytes { get; init; } = 512;

    /// <summary>Runs that are created one after another, of whose creation the time to the first step is taken.</summary>
    internal int Idle { get; init; } = 60;

    /// <summary>Whether DBOS is measured beside it, from npm.</summary>
    internal bool Peer { get; init; } = true;

    internal RecordOptions Recording { get; init; } = new();

    internal static EngineOptions Parse(string[] args)
    {
        var (options, recording) = (new EngineOptions(), new List<string>());
        for (var i = 0; i + 1 < args.Length; i += 2)
        {
            var value = args[i + 1];
            options = args[i] switch
            {
                "--runs" => options with { Runs = [.. value.Split(',').Select(Number)] },
                "--seconds" => options with { Seconds = Number(value) },
                "--warmup" => options with { WarmUp = Number(value) },
                "--turns" => options with { Turns = Number(value) },
                "--steps" => options with { Steps = Number(value) },
                "--bytes" => options with { Bytes = Number(value) },
                "--idle" => options with { Idle = Number(value) },
                "--peer" => options with { Peer = value == "yes" },
                "--folder" or "--set" => options,
                _ => throw new ArgumentException($"unknown option {args[i]}; usage: engine {Usage}"),
            };
            if (args[i] is "--folder" or "--set")
                recording.AddRange([args[i], value]);
        }

        return options with { Recording = RecordOptions.Parse([.. recording]) };
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
