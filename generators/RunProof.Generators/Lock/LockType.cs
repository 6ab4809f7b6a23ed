using System;
using System.Collections.Generic;
using System.Linq;

namespace RunProof.Generators;

/// <summary>What a type of the lock is built of.</summary>
internal enum LockKind
{
    /// <summary>A word of <see cref="LockType.Leaves"/>.</summary>
    Leaf,
    Enum,
    Record,
    List,
    Map,
}

/// <summary>The record that a member holds.</summary>
/// <param name="Label">Its name and version, for people: <c>order_item/1</c>.</param>
/// <param name="Fingerprint">Which of all shapes it is, hex.</param>
internal sealed record LockReference(string Label, string Fingerprint);

/// <summary>The type of a member as the lock spells it: finer than section 6, so that a reader can be written from it alone.</summary>
/// <param name="Kind">What it is built of.</param>
/// <param name="IsNullable">Whether null may stand there.</param>
internal sealed record LockType(LockKind Kind, bool IsNullable)
{
    /// <summary>The words of the lock, and how section 6 spells them.</summary>
    public static readonly IReadOnlyDictionary<string, string> Leaves = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["text"] = "string", ["boolean"] = "boolean",
        ["int8"] = "integer", ["int16"] = "integer", ["int32"] = "integer", ["uint8"] = "integer", ["uint16"] = "integer", ["uint32"] = "integer",
        ["int64"] = "string", ["uint64"] = "string", ["int128"] = "string", ["uint128"] = "string", ["decimal"] = "string",
        ["float32"] = "number", ["float64"] = "number",
        ["time"] = "time", ["guid"] = "guid", ["bytes"] = "bytes", ["duration"] = "duration", ["json"] = "json",
        ["scalar(string)"] = "string", ["scalar(integer)"] = "integer",
    };

    /// <summary>Of a leaf, its word.</summary>
    public string Word { get; init; } = "";

    /// <summary>Of an enum, its words in ordinal order.</summary>
    public EquatableArray<string> Words { get; init; }

    /// <summary>Of a record, which.</summary>
    public LockReference? Record { get; init; }

    /// <summary>Of a list or map, what it holds.</summary>
    public LockType? Element { get; init; }

    /// <summary>The lock's spelling: <c>record(order_item/1 b9ad…)[]?</c>.</summary>
    public string Spelling => Spell(static record => "record(" + record.Label + " " + record.Fingerprint + ")", static leaf => leaf);

    /// <summary>Section 6's spelling.</summary>
    public string SchemaSpelling => Spell(static record => record.Fingerprint, static leaf => Leaves[leaf]);

    /// <summary>For people: without fingerprints.</summary>
    public string Shown => Spell(static record => "record " + record.Label, static leaf => leaf);

    /// <summary>The same type with no question mark in it anywhere.</summary>
    public LockType WithoutNulls => this with { IsNullable = false, Element = Element?.WithoutNulls };

    /// <summary>The records it refers to: none or one.</summary>
    public LockReference? Reference => Record ?? Element?.Reference;

    public static LockType Leaf(string word, bool nullable = false) => new(LockKind.Leaf, nullable) { Word = word };

    public static LockType Enum(IEnumerable<string> words, bool nullable = false) =>
        new(LockKind.Enum, nullable) { Words = words.OrderBy(static word => word, StringComparer.Ordinal).ToEquatable() };

    public static LockType Of(LockReference record, bool nullable = false) => new(LockKind.Record, nullable) { Record = record };

    public static LockType List(LockType element, bool nullable = false) => new(LockKind.List, nullable) { Element = element };

    public static LockType Map(LockType element, bool nullable = false) => new(LockKind.Map, nullable) { Element = element };

    private string Spell(Func<LockReference, string> record, Func<string, string> leaf) => Kind switch
    {
        LockKind.Leaf => leaf(Word),
        LockKind.Enum => "enum(" + string.Join("|", Words) + ")",
        LockKind.Record => record(Record!),
        LockKind.List => Element!.Spell(record, leaf) + "[]",
        _ => "map(" + Element!.Spell(record, leaf) + ")",
    } + (IsNullable ? "?" : "");
}
