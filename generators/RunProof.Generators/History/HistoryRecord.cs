using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace RunProof.Generators;

/// <summary>A record that is in the lock and no longer in the code, written from the lock alone.</summary>
/// <param name="Entry">Its entry.</param>
/// <param name="Model">The record, as if somebody had declared it.</param>
internal sealed record HistoryRecord(LockRecord Entry, CanonicalModel Model)
{
    /// <summary>
    /// The history of an assembly: every entry that the code does not declare, and the records in it. Those are written from the lock too, even where the
    /// code still declares them: so no type of the past changes when a class of the present moves on.
    /// </summary>
    /// <param name="file">The lock.</param>
    /// <param name="present">Labels of what the code declares or holds.</param>
    /// <param name="space">The assembly's root namespace.</param>
    public static IEnumerable<HistoryRecord> Of(LockFile file, IReadOnlyCollection<string> present, string space)
    {
        var byLabel = file.Records.ToDictionary(static record => record.Label, StringComparer.Ordinal);
        var (known, needed) = (new Dictionary<string, RecordShape>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
        foreach (var record in file.Records.Where(record => !present.Contains(record.Label)))
            Need(record);
        return file.Records.Where(record => needed.Contains(record.Label)).Select(record => new HistoryRecord(record, Declared(record, Shape(record), space)));

        void Need(LockRecord record)
        {
            if (!needed.Add(record.Label))
                return;
            foreach (var held in record.Members.Select(static member => member.Type.Reference).OfType<LockReference>())
                Need(byLabel[held.Label]);
        }

        RecordShape Shape(LockRecord record)
        {
            if (!known.TryGetValue(record.Label, out var shape))
                known.Add(record.Label, shape = new HistoryShape(record, Space(space), held => Shape(byLabel[held.Label])).Shape());
            return shape;
        }
    }

    /// <summary>The namespace of an assembly's history.</summary>
    public static string Space(string space) => space + ".CanonicalHistory";

    private static CanonicalModel Declared(LockRecord record, RecordShape shape, string space) => new(
        "CanonicalHistory." + HistoryNames.File(record) + ".g.cs", Space(space), default, "partial record " + HistoryNames.Type(record), IsBound: false, HidesBase: false, IsReachable: true, shape,
        shape.Members.Select(static (_, index) => new MemberBinding(index, BindingForm.Initializer, null, null)).ToEquatable());
}

/// <summary>What a record of the lock is in C#.</summary>
internal sealed class HistoryShape(LockRecord record, string space, Func<LockReference, RecordShape> held)
{
    private readonly string _name = "global::" + space + "." + HistoryNames.Type(record);

    public RecordShape Shape() => new(_name, record.Name, record.Version, null, record.Members.Select(Member).ToEquatable());

    private MemberShape Member(LockMember member) => new(Symbols.Escaped(HistoryNames.Property(record, member)), member.Wire, Type(member, member.Type), null, false, null);

    private WireType Type(LockMember member, LockType type) => Bare(member, type) with { IsNullable = type.IsNullable };

    private WireType Bare(LockMember member, LockType type) => type.Kind switch
    {
        LockKind.Enum => new WireType(WireKind.Enum, Enum(member), false, false) { Words = Words(member, type) },
        LockKind.Record => Record(held(type.Record!)),
        LockKind.List => List(Type(member, type.Element!)),
        LockKind.Map => Map(Type(member, type.Element!)),
        _ => Leaf(type.Word),
    };

    private string Enum(LockMember member) => _name + "." + HistoryNames.Enum(record, member);

    private EquatableArray<EnumWord> Words(LockMember member, LockType type) =>
        HistoryNames.Words(type.Words).Zip(type.Words, (constant, wire) => new EnumWord(Enum(member) + "." + Symbols.Escaped(constant), wire)).ToEquatable();

    private static WireType Record(RecordShape shape) => new(WireKind.Record, shape.CSharp, false, true) { Record = shape };

    private static WireType List(WireType element) =>
        new(WireKind.List, "global::System.Collections.Generic.IReadOnlyList<" + element.Declared + ">", false, true) { Element = element, Form = CollectionForm.Array };

    private static WireType Map(WireType element) =>
        new(WireKind.Map, "global::System.Collections.Generic.IReadOnlyDictionary<string, " + element.Declared + ">", false, true) { Element = element, Form = CollectionForm.Dictionary };

    private static WireType Leaf(string word) => word switch
    {
        "text" => new WireType(WireKind.Text, "string", false, true),
        "boolean" => new WireType(WireKind.Boolean, "bool", false, false),
        "int8" => Number(WireKind.SignedNumber, "sbyte", "SByte"),
        "int16" => Number(WireKind.SignedNumber, "short", "Int16"),
        "int32" => Number(WireKind.SignedNumber, "int", "Int32"),
        "uint8" => Number(WireKind.SignedNumber, "byte", "Byte"),
        "uint16" => Number(WireKind.SignedNumber, "ushort", "UInt16"),
        "uint32" => Number(WireKind.UnsignedNumber, "uint", "UInt32"),
        "int64" => Number(WireKind.WideInteger, "long", "Int64"),
        "uint64" => Number(WireKind.WideInteger, "ulong", "UInt64"),
        "int128" => Number(WireKind.WideInteger, "global::System.Int128", "Int128"),
        "uint128" => Number(WireKind.WideInteger, "global::System.UInt128", "UInt128"),
        "decimal" => new WireType(WireKind.Decimal, "decimal", false, false),
        "float32" => new WireType(WireKind.Single, "float", false, false),
        "float64" => new WireType(WireKind.Double, "double", false, false),
        "time" => new WireType(WireKind.Time, "global::System.DateTimeOffset", false, false),
        "guid" => new WireType(WireKind.Guid, "global::System.Guid", false, false),
        "bytes" => new WireType(WireKind.Bytes, "byte[]", false, true) { Form = CollectionForm.Array },
        "duration" => new WireType(WireKind.Duration, "global::System.TimeSpan", false, false),
        "json" => new WireType(WireKind.Json, "global::RunProof.Format.CanonicalJson", false, true),
        // Which struct it was is gone with its assembly: any string, and any integer that a JSON number holds exactly.
        "scalar(string)" => new WireType(WireKind.Text, "string", false, true),
        "scalar(integer)" => new WireType(WireKind.Scalar, "global::RunProof.Format.SafeInteger", false, false) { Spelling = "integer" },
        _ => throw new ArgumentOutOfRangeException(nameof(word)),
    };

    private static WireType Number(WireKind kind, string csharp, string width) => new(kind, csharp, false, false) { Width = width };
}
