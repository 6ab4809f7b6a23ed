using System.Collections.Generic;
using System.Collections.Immutable;
using RunProof.Format;

namespace RunProof.Generators.Tests.Samples;

/// <summary>An order.</summary>
/// <param name="Items">What is ordered.</param>
/// <param name="Labels">Free labels.</param>
/// <param name="Note">A remark, or nothing.</param>
[Canonical]
public sealed partial record Order(IReadOnlyList<OrderItem> Items, IReadOnlyDictionary<string, string?> Labels, OrderItem? Gift, string? Note = null);

/// <summary>A line of an <see cref="Order"/>.</summary>
[Canonical]
public readonly partial record struct OrderItem([WireName("SKU")] string Sku, int Count = 1);

[Canonical]
public sealed partial record Collections
{
    public required string[] Array { get; init; }
    public required List<int?> List { get; init; }
    public required ImmutableArray<Shade> Shades { get; init; }
    public required int[][] Nested { get; init; }
    public required Dictionary<string, long[]> Map { get; init; }
    public required ImmutableSortedDictionary<string, OrderItem> Sorted { get; init; }
    public required IReadOnlyDictionary<string, IReadOnlyDictionary<string, bool>>? Deep { get; init; }
    public required Order[]? Orders { get; init; }
}
