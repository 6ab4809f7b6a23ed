using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis.CSharp;

namespace RunProof.Generators;

/// <summary>Names in C# for what the lock keeps. Each follows from its entry alone, so that no other entry can change it.</summary>
internal static class HistoryNames
{
    // What a record or a canonical record has of its own.
    private static readonly HashSet<string> Taken = new(StringComparer.Ordinal)
    {
        "EqualityContract", "Equals", "GetHashCode", "ToString", "PrintMembers", "Clone", "GetType", "Finalize", "MemberwiseClone", "ReferenceEquals",
        "CanonicalFingerprint", "CanonicalSchema", "WriteCanonical", "TryReadCanonical",
    };

    /// <summary><c>order_item/1</c> is <c>OrderItemV1</c>, <c>http_call.parameters/1.0.0</c> is <c>HttpCall_ParametersV1_0_0</c>; what these rules would give twice gets digits.</summary>
    public static string Type(LockRecord record)
    {
        var name = string.Join("_", record.Name.Split('.').Select(Pascal)) + "V" + record.Version.Replace('.', '_');
        return IsPlain(record) ? name : Literal.Identifier(name) + "_" + Literal.Digits(record.Label);
    }

    /// <summary>A file name that no other entry has, however file names are compared.</summary>
    public static string File(LockRecord record) => IsPlain(record) ? record.Name + "-" + record.Version : Type(record) + "-";

    /// <summary>The member's property: its name as it was, where C# still allows it there.</summary>
    public static string Property(LockRecord record, LockMember member)
    {
        var isFree = SyntaxFacts.IsValidIdentifier(member.Property) && !Taken.Contains(member.Property) && member.Property != Type(record);
        return isFree ? member.Property : Literal.Identifier(member.Property) + "_" + Literal.Digits(member.Wire);
    }

    /// <summary>The enum of a member's words.</summary>
    public static string Enum(LockRecord record, LockMember member)
    {
        var name = Property(record, member) + "Word";
        var isFree = !Taken.Contains(name) && name != Type(record) && !record.Members.Any(other => Property(record, other) == name);
        return isFree ? name : name + "_" + Literal.Digits(member.Wire);
    }

    /// <summary>The constants of an enum's words, in their order.</summary>
    public static string[] Words(IReadOnlyList<string> words)
    {
        var names = words.Select(static word => Literal.Identifier(Pascal(word))).ToArray();
        return names.Select((name, i) => names.Count(other => other == name) == 1 && SyntaxFacts.IsValidIdentifier(name) && IsAscii(name) ? name : "Word_" + Literal.Digits(words[i])).ToArray();
    }

    private static string Pascal(string words) => string.Concat(words.Split('_').Select(static word => word.Length == 0 ? "" : char.ToUpperInvariant(word[0]) + word.Substring(1)));

    /// <summary>Whether the name can be read back from its C# form, so that no other name has it.</summary>
    private static bool IsPlain(LockRecord record) =>
        record.Name.Split('.').All(static part => part.Split('_').All(static word => word.Length > 0 && word[0] is >= 'a' and <= 'z' && word.All(static c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9'))))
        && record.Version.Split('.').All(static part => part.Length > 0 && part.All(static c => c is >= '0' and <= '9'));

    // What letters of other scripts become in upper case differs between the hosts that a compiler runs in.
    private static bool IsAscii(string name) => name.All(static c => c <= '~');
}
