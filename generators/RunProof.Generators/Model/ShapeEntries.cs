using System;
using System.Linq;
using System.Runtime.CompilerServices;

namespace RunProof.Generators;

/// <summary>Shapes as the lock keeps them.</summary>
internal static class ShapeEntries
{
    private static readonly ConditionalWeakTable<RecordShape, LockRecord> Entries = new();

    /// <summary>The entry of a record, with its fingerprint. It is asked for by all that hold the record.</summary>
    public static LockRecord ToEntry(this RecordShape shape) => Entries.GetValue(shape, static shape => New(shape));

    private static LockRecord New(RecordShape shape) =>
        LockRecord.Of(shape.Name, shape.Version, shape.Members.Select(static member => new LockMember(member.Wire, member.Property.TrimStart('@'), Type(member.Type))));

    private static LockType Type(WireType type) => type.Kind switch
    {
        WireKind.Record => LockType.Of(Reference(type.Record!), type.IsNullable),
        WireKind.Enum => LockType.Enum(type.Words.Select(static word => word.Wire), type.IsNullable),
        WireKind.List => LockType.List(Type(type.Element!), type.IsNullable),
        WireKind.Map => LockType.Map(Type(type.Element!), type.IsNullable),
        _ => LockType.Leaf(Word(type), type.IsNullable),
    };

    private static LockReference Reference(RecordShape record)
    {
        var entry = record.ToEntry();
        return new LockReference(entry.Label, entry.Fingerprint);
    }

    private static string Word(WireType type) => type.Kind switch
    {
        WireKind.Text => "text",
        WireKind.Boolean => "boolean",
        WireKind.SignedNumber or WireKind.UnsignedNumber or WireKind.WideInteger => Integer(type.Width),
        WireKind.Decimal => "decimal",
        WireKind.Single => "float32",
        WireKind.Double => "float64",
        WireKind.Time => "time",
        WireKind.Guid => "guid",
        WireKind.Bytes => "bytes",
        WireKind.Duration => "duration",
        WireKind.Json => "json",
        WireKind.Scalar => "scalar(" + type.Spelling + ")",
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    private static string Integer(string width) => width switch
    {
        "SByte" => "int8",
        "Byte" => "uint8",
        _ => width.ToLowerInvariant(),
    };
}
