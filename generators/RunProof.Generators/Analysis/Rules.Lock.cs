using System.Collections.Immutable;
using System.Globalization;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>RP03xx: the lock.</summary>
internal static partial class Rules
{
    private const string TwoWaysOfRecord = "; give record {1} another Version, or, where that version never shipped, accept it with: runproof canonical lock --never-shipped {1}";

    public static readonly DiagnosticDescriptor MemberAdded = Error(
        "RP0301", "What has shipped gains no member", "'{0}' was added to record {1}, which has shipped: {2}" + TwoWaysOfRecord);

    public static readonly DiagnosticDescriptor MemberRemoved = Error(
        "RP0302", "What has shipped loses no member", "'{0}' was removed from record {1}, which has shipped: {2}" + TwoWaysOfRecord);

    public static readonly DiagnosticDescriptor MemberRenamed = Error(
        "RP0303", "What has shipped keeps its wire names", "'{0}' has another wire name than record {1} has shipped with: {2}" + TwoWaysOfRecord);

    public static readonly DiagnosticDescriptor MemberRetyped = Error(
        "RP0304", "What has shipped keeps its types", "'{0}' has another type than record {1} has shipped with: {2}" + TwoWaysOfRecord);

    public static readonly DiagnosticDescriptor MemberNullability = Error(
        "RP0305", "What has shipped keeps its nullability", "'{0}' has another nullability than record {1} has shipped with: {2}" + TwoWaysOfRecord);

    public static readonly DiagnosticDescriptor SkillDrifted = Error(
        "RP0306",
        "A skill that has shipped keeps its records",
        "skill {0} takes or returns another record than it has shipped with: {1}; give skill {0} another Version, or, where that version never shipped, accept it with: runproof canonical lock --never-shipped {0}");

    public static readonly DiagnosticDescriptor NotLocked = Warning(
        "RP0310", "Every shape is in the lock", "{0} {1} is not in canonical.lock.json, so nothing will tell when its bytes change: accept it by the code fix or with: runproof canonical lock");

    public static readonly DiagnosticDescriptor NoLock = AtEnd(
        "RP0311",
        "A project with canonical types has a lock",
        "this project declares canonical records and has no canonical.lock.json, so nothing will tell when their bytes change: make one with 'runproof canonical lock', or set the property RunProofCanonicalLock to off");

    public static readonly DiagnosticDescriptor LockedByHand = Error(
        "RP0312", "A lock is not edited by hand", "line {0} of canonical.lock.json: {1}");

    public static readonly DiagnosticDescriptor LockUnreadable = Error(
        "RP0313", "The lock can be read", "canonical.lock.json cannot be read, line {0}: {1}");

    /// <summary>The rule that a fault of the lock breaks.</summary>
    public static DiagnosticDescriptor Of(LockFault fault) => fault.IsFingerprint ? LockedByHand : LockUnreadable;

    /// <summary>The fault's line, for a message.</summary>
    public static string Line(LockFault fault) => fault.Line.ToString(CultureInfo.InvariantCulture);

    /// <summary>RP03xx.</summary>
    public static readonly ImmutableArray<DiagnosticDescriptor> OfLock =
        [MemberAdded, MemberRemoved, MemberRenamed, MemberRetyped, MemberNullability, SkillDrifted, NotLocked, NoLock, LockedByHand, LockUnreadable];

    /// <summary>Told once for a compilation, when all of it has been seen: in a build, and not while typing.</summary>
    private static DiagnosticDescriptor AtEnd(string id, string title, string message) => new(
        id, title, message, Category, DiagnosticSeverity.Warning, isEnabledByDefault: true, helpLinkUri: HelpLinkBase + "#" + id.ToLowerInvariant(), customTags: WellKnownDiagnosticTags.CompilationEnd);
}
