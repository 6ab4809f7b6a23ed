using System.Collections.Immutable;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>RP02xx: a member of a canonical record.</summary>
internal static partial class Rules
{
    public static readonly DiagnosticDescriptor UnsupportedType = Error(
        "RP0201", "A member's type has a canonical form", "'{0}' is of type '{1}', which has no canonical form: {2}");

    public static readonly DiagnosticDescriptor UntypedMember = Error(
        "RP0202", "A member's type says what is written", "'{0}' is of type '{1}', which does not say what is written: use CanonicalJson, which keeps JSON from outside whole");

    public static readonly DiagnosticDescriptor NoInstant = Error(
        "RP0203", "A time is an instant", "'{0}' is of type '{1}', which names no instant: {2}");

    public static readonly DiagnosticDescriptor UnorderedSet = Error(
        "RP0204", "A collection's order is determined", "'{0}' is of type '{1}', whose order {2}: use IReadOnlyList<T> in an order of your own");

    public static readonly DiagnosticDescriptor MapKeys = Error(
        "RP0205", "A map's keys are strings", "'{0}' is a map with keys of type '{1}', and names in JSON are strings: use string keys, or a list of [Canonical] records");

    public static readonly DiagnosticDescriptor InterfaceMember = Error(
        "RP0206", "A member's type is one type", "'{0}' is of interface type '{1}', behind which any object may stand: {2}");

    public static readonly DiagnosticDescriptor Recursive = Error(
        "RP0207", "A record does not lead back to itself", "'{0}' leads back to '{1}' ({2}), and a schema's fingerprint cannot contain itself: use CanonicalJson there");

    public static readonly DiagnosticDescriptor FloatingMoney = Warning(
        "RP0208", "Money is no floating-point number", "'{0}' is '{1}' and its name says money, which binary fractions cannot hold: use decimal");

    public static readonly DiagnosticDescriptor NotSettable = Error(
        "RP0209", "A member can be set", "'{0}' is hashed and cannot be read back: give it an init accessor or a constructor parameter, or make it a method or not public");

    public static readonly DiagnosticDescriptor Oblivious = Error(
        "RP0210", "A member's nullability is declared", "'{0}' is declared where nullable reference types are off, and whether it may be null is part of its schema: write '#nullable enable'");

    public static readonly DiagnosticDescriptor BadEnum = Error(
        "RP0211", "An enum's values are single words", "'{0}' is of enum '{1}', which has no wire form: {2}");

    public static readonly DiagnosticDescriptor BadWireName = Error(
        "RP0212", "A wire name is usable text", "{0} cannot be the wire name of '{1}': {2}: give it another [WireName], or none");

    public static readonly DiagnosticDescriptor DuplicateWireName = Error(
        "RP0213", "Wire names are unique", "'{0}' and '{1}' are both \"{2}\" on the wire, and a name stands once in an object: give one another [WireName]");

    public static readonly DiagnosticDescriptor NotBound = Error(
        "RP0214",
        "A record of another assembly has a binder",
        "'{0}' holds '{1}', which callers cannot give as JSON: assembly '{2}' was built without RunProof.Skills; reference it there, or use a record of this assembly");

    /// <summary>RP02xx.</summary>
    public static readonly ImmutableArray<DiagnosticDescriptor> OfMembers =
    [
        UnsupportedType, UntypedMember, NoInstant, UnorderedSet, MapKeys, InterfaceMember, Recursive, FloatingMoney, NotSettable, Oblivious, BadEnum, BadWireName,
        DuplicateWireName, NotBound,
    ];
}
