using System;
using System.Collections.Generic;
using RunProof.Format;

namespace RunProof.Generators.Tests.Samples;

/// <summary>Members that a caller may leave out.</summary>
/// <param name="Url">Where to.</param>
/// <param name="Shade">An enum with a default.</param>
[Canonical]
public sealed partial record Defaults(string Url, Shade Shade = Shade.Dark, double Factor = 1.5, decimal Price = 0.25m, long Limit = 5_000_000_000, bool Flag = true, string Word = "a\"b")
{
    /// <summary>How often.</summary>
    public int Times { get; init; } = 3;

    public required string? Reason { get; init; }

    public string[] Tags { get; init; } = [];

    public string? Comment { get; init; }

    public string? Greeting { get; init; } = "hello";

    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    public required int Must { get; init; }
}

public partial class Outer
{
    public partial record struct Between
    {
        /// <summary>Nested in others.</summary>
        [Canonical]
        public sealed partial record Inner(int @class);
    }
}

[Canonical]
public partial record Animal(string Name);

/// <summary>A record that inherits members.</summary>
[Canonical(Name = "sample.dog")]
public sealed partial record Dog(string Name, [WireName("bark\u00e9\ud83d\ude00")] int Bark) : Animal(Name);

[Canonical]
public sealed partial record Nothing;

