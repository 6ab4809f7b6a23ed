using System.Collections.Immutable;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>RP01xx: a canonical record as a whole.</summary>
internal static partial class Rules
{
    public static readonly DiagnosticDescriptor NotPartialRecord = Error(
        "RP0101", "A canonical type is a partial record", "'{0}' has [Canonical] and is no partial record, so its serializer has no place: declare it '{1}'");

    public static readonly DiagnosticDescriptor ContainerNotPartial = Error(
        "RP0102", "Types around a canonical record are partial and not generic", "'{0}' cannot be canonical inside '{1}', which is {2}");

    public static readonly DiagnosticDescriptor OpenRecord = Error(
        "RP0103", "A canonical record is one closed type", "'{0}' cannot be canonical: it is {1}, and a schema has one fixed set of members: {2}");

    public static readonly DiagnosticDescriptor NoConstructor = Error(
        "RP0104", "A canonical record can be constructed", "'{0}' cannot be read back: {1}: give it a primary constructor, or one without parameters");

    public static readonly DiagnosticDescriptor BadSchemaName = Error(
        "RP0105", "A schema's name and version are words", "\"{0}\" cannot be the {1} of '{2}': it is hashed and printed; use 1 to 128 printable ASCII characters without space");

    public static readonly DiagnosticDescriptor SettableState = Warning(
        "RP0106", "A canonical record does not change", "'{0}' can be set after it was hashed, and the evidence would not show it: {1}");

    public static readonly DiagnosticDescriptor DuplicateSchema = Error(
        "RP0107",
        "A schema's name and version stand for one record",
        "'{0}' ({1}) is schema \"{2}\" version \"{3}\", and so is '{4}' ({5}): evidence could not tell them apart; give one of them another [Canonical(Name = …)]");

    /// <summary>RP01xx.</summary>
    public static readonly ImmutableArray<DiagnosticDescriptor> OfRecords =
        [NotPartialRecord, ContainerNotPartial, OpenRecord, NoConstructor, BadSchemaName, SettableState, DuplicateSchema];
}
