using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace RunProof.Generators;

/// <summary>Everything that can be wrong with a declaration. An id is never used again for anything else.</summary>
internal static class Rules
{
    public static readonly DiagnosticDescriptor NotPartialRecord = Error(
        "RP0001", "A canonical type is a partial record", "'{0}' has [Canonical] and is no partial record: declare it 'partial record' or 'partial record struct'");

    public static readonly DiagnosticDescriptor ContainerNotPartial = Error(
        "RP0002", "Containing types are partial and not generic", "'{0}' cannot be canonical inside '{1}': containing types must be partial and not generic");

    public static readonly DiagnosticDescriptor OpenRecord = Error(
        "RP0003", "A canonical record is one closed type", "'{0}' cannot be canonical: it is {1}, and a schema has one fixed set of members");

    public static readonly DiagnosticDescriptor UnsupportedType = Error(
        "RP0004", "A member's type has a canonical form", "'{0}' is of type '{1}', which has no canonical form: {2}");

    public static readonly DiagnosticDescriptor DuplicateWireName = Error(
        "RP0005", "Wire names are unique", "'{0}' and '{1}' are both \"{2}\" on the wire: give one another [WireName]");

    public static readonly DiagnosticDescriptor BadWireName = Error(
        "RP0006", "A wire name is usable text", "{0} cannot be the wire name of '{1}': {2}");

    public static readonly DiagnosticDescriptor NotSettable = Error(
        "RP0007", "A member can be set", "'{0}' cannot be bound: give it an init accessor or a constructor parameter, or make it a method or not public");

    public static readonly DiagnosticDescriptor Recursive = Error(
        "RP0008", "A record does not contain itself", "'{0}' leads back to '{1}', and the fingerprint of a schema cannot contain itself: use CanonicalJson there");

    public static readonly DiagnosticDescriptor BadEnum = Error(
        "RP0009", "An enum's values are single words", "'{0}' is of enum '{1}', which has no wire form: {2}");

    public static readonly DiagnosticDescriptor Oblivious = Error(
        "RP0010", "A member's nullability is declared", "'{0}' is declared where nullable reference types are off, and whether it may be null is part of its schema: write '#nullable enable'");

    public static readonly DiagnosticDescriptor NoConstructor = Error(
        "RP0011", "A canonical record can be constructed", "'{0}' cannot be bound: {1}");

    public static readonly DiagnosticDescriptor BadSchemaName = Error(
        "RP0012", "A schema's name and version are short words", "\"{0}\" cannot be the {1} of '{2}': 1 to 128 printable ASCII characters without space");

    public static readonly DiagnosticDescriptor NotBound = Error(
        "RP0013", "What callers give can be bound", "'{0}' holds '{1}', which callers cannot give as JSON: its assembly was built without RunProof.Skills");

    public static readonly DiagnosticDescriptor SkillShape = Error(
        "RP0020", "A skill is a partial class or a static method", "'{0}' cannot be a skill: {1}");

    public static readonly DiagnosticDescriptor SkillMethod = Error(
        "RP0021", "A skill has one ExecuteAsync", "'{0}' needs exactly one public method ExecuteAsync(TParameters, SkillContext, CancellationToken): {1}");

    public static readonly DiagnosticDescriptor SkillReturn = Error(
        "RP0022", "A skill returns its outcome", "'{0}' returns '{1}': a skill returns Task or ValueTask of its outcome or of SkillResult<TOutcome>");

    public static readonly DiagnosticDescriptor SkillRecord = Error(
        "RP0023", "Parameters and outcome are canonical", "'{0}', the {1} of skill \"{2}\", is no [Canonical] record: a step's evidence needs its canonical bytes");

    public static readonly DiagnosticDescriptor DuplicateSkill = Error(
        "RP0024", "Skill names are unique", "skill \"{0}\" is also declared by '{1}': give one of them another name");

    public static readonly DiagnosticDescriptor BadSkillName = Error(
        "RP0025", "A skill's name and version are words", "\"{0}\" cannot be the {1} of skill '{2}': {3}");

    private static readonly Dictionary<string, DiagnosticDescriptor> ById = new[]
    {
        NotPartialRecord, ContainerNotPartial, OpenRecord, UnsupportedType, DuplicateWireName, BadWireName, NotSettable, Recursive, BadEnum, Oblivious,
        NoConstructor, BadSchemaName, NotBound, SkillShape, SkillMethod, SkillReturn, SkillRecord, DuplicateSkill, BadSkillName,
    }.ToDictionary(static rule => rule.Id);

    public static Diagnostic ToDiagnostic(this DiagnosticModel model)
    {
        var place = model.Place;
        var lines = new LinePositionSpan(new(place.StartLine, place.StartColumn), new(place.EndLine, place.EndColumn));
        var location = place.File.Length == 0 ? Location.None : Location.Create(place.File, new TextSpan(place.Start, place.Length), lines);
        return Diagnostic.Create(ById[model.Id], location, model.Arguments.ToArray<object>());
    }

    private static DiagnosticDescriptor Error(string id, string title, string message) =>
        new(id, title, message, "RunProof", DiagnosticSeverity.Error, isEnabledByDefault: true);
}
