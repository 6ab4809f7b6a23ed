using System;
using RunProof.Format;

namespace RunProof.Generators.Tests.Samples;

/// <summary>One member of every scalar of the proof format's section 1.</summary>
[Canonical(Name = "sample.scalars", Version = "2")]
public sealed partial record Scalars
{
    public required string Text { get; init; }
    public required bool Flag { get; init; }
    public required sbyte Tiny { get; init; }
    public required byte Octet { get; init; }
    public required short Short { get; init; }
    public required ushort UShort { get; init; }
    public required int Number { get; init; }
    public required uint UNumber { get; init; }
    public required long Long { get; init; }
    public required ulong ULong { get; init; }
    public required Int128 Huge { get; init; }
    public required UInt128 UHuge { get; init; }
    public required decimal Amount { get; init; }
    public required float Single { get; init; }
    public required double Double { get; init; }
    public required Shade Shade { get; init; }
    public required DateTimeOffset Time { get; init; }
    public required Guid Id { get; init; }
    public required byte[] Bytes { get; init; }
    public required ReadOnlyMemory<byte> Memory { get; init; }
    public required TimeSpan Duration { get; init; }
    public required CanonicalJson Json { get; init; }
    public required SafeInteger Seed { get; init; }
    public required RunId RunId { get; init; }
}

public enum Shade
{
    LightGrey = 1,

    [WireName("DARK")]
    Dark = 7,
}

/// <summary>The same, and nothing there.</summary>
[Canonical]
public sealed partial record Absent(
    string? Text, bool? Flag, int? Number, long? Long, decimal? Amount, double? Double, Shade? Shade, DateTimeOffset? Time, Guid? Id, byte[]? Bytes,
    ReadOnlyMemory<byte>? Memory, TimeSpan? Duration, CanonicalJson? Json, RunId? RunId);
