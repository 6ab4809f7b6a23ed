namespace RunProof.Generators;

/// <summary>What of a record is seen on the wire.</summary>
/// <param name="CSharp">Its full name.</param>
/// <param name="Name">The schema's name.</param>
/// <param name="Version">The schema's version.</param>
/// <param name="Description">Its doc comment, or null.</param>
/// <param name="Members">Its members in UTF-16 order of their wire names.</param>
internal sealed record RecordShape(string CSharp, string Name, string Version, string? Description, EquatableArray<MemberShape> Members);

/// <summary>A member of a record.</summary>
/// <param name="Property">Its C# name, escaped where it is a keyword.</param>
/// <param name="Wire">Its wire name.</param>
/// <param name="Type">Its type.</param>
/// <param name="Description">Its doc comment, or null.</param>
/// <param name="IsOptional">Whether a caller's JSON may leave it out.</param>
/// <param name="DefaultJson">What it is then, as JSON, where that is known at compile time.</param>
internal sealed record MemberShape(string Property, string Wire, WireType Type, string? Description, bool IsOptional, string? DefaultJson);

/// <summary>How a binder gives a member its value.</summary>
internal enum BindingForm
{
    /// <summary>As a constructor's argument.</summary>
    Argument,

    /// <summary>In the object initializer.</summary>
    Initializer,

    /// <summary>By <c>with</c>, after the record's own initializers have run: the member has a default that only they know.</summary>
    With,
}

/// <summary>How a binder gives one member its value.</summary>
/// <param name="Member">Index into <see cref="RecordShape.Members"/>.</param>
/// <param name="Form">How.</param>
/// <param name="Parameter">Of an argument, the constructor's parameter, escaped.</param>
/// <param name="DefaultCSharp">The expression that stands in where the JSON has no such member; null where it must.</param>
internal sealed record MemberBinding(int Member, BindingForm Form, string? Parameter, string? DefaultCSharp);

/// <summary>A record to write code for.</summary>
/// <param name="HintName">The generated file's name.</param>
/// <param name="Namespace">Its namespace, or an empty text.</param>
/// <param name="Containers">The declarations it is nested in, outermost first: <c>partial class Outer</c>.</param>
/// <param name="Declaration">Its own: <c>partial record Inner</c>.</param>
/// <param name="IsBound">Whether its assembly sees IJsonBound, and callers may give it as JSON.</param>
/// <param name="HidesBase">Whether a base record is canonical too, so that members hide its.</param>
/// <param name="IsReachable">Whether code elsewhere in the assembly can name it.</param>
/// <param name="Shape">Its members.</param>
/// <param name="Bindings">How a binder builds it; arguments first, in the constructor's order.</param>
internal sealed record CanonicalModel(
    string HintName,
    string Namespace,
    EquatableArray<string> Containers,
    string Declaration,
    bool IsBound,
    bool HidesBase,
    bool IsReachable,
    RecordShape Shape,
    EquatableArray<MemberBinding> Bindings);
