using System;
using System.Collections.Generic;
using System.Linq;

namespace RunProof.Generators;

/// <summary>A shape of the present: what a lock should hold.</summary>
/// <param name="CSharp">The record's full name.</param>
/// <param name="Entry">Its entry.</param>
internal sealed record DeclaredShape(string CSharp, LockRecord Entry)
{
    /// <summary>Of a skill's records: whether another assembly declares it.</summary>
    public bool IsForeign { get; init; }

    /// <summary>Whether generated code of the assembly cannot name it.</summary>
    public bool IsHidden { get; init; }

    /// <summary>Its name, for people.</summary>
    public string ShortName => CSharp.Split('.', ':').Last();

    /// <summary>A record and every record in it, outermost first.</summary>
    public static IEnumerable<DeclaredShape> Within(RecordShape shape)
    {
        yield return new DeclaredShape(shape.CSharp, shape.ToEntry());
        foreach (var held in shape.Members.Select(static member => Innermost(member.Type).Record).OfType<RecordShape>().Distinct().SelectMany(Within))
            yield return held;
    }

    /// <summary>In the lock's order, each name and version once; the first that is given counts, so the assembly's own go before what they hold.</summary>
    public static IEnumerable<DeclaredShape> Once(IEnumerable<DeclaredShape> shapes) => shapes
        .GroupBy(static shape => shape.Entry.Label, StringComparer.Ordinal)
        .Select(static same => same.First())
        .OrderBy(static shape => shape.Entry.Name, StringComparer.Ordinal)
        .ThenBy(static shape => shape.Entry.Version, LockVersions.Order);

    private static WireType Innermost(WireType type) => type.Element is null ? type : Innermost(type.Element);
}
