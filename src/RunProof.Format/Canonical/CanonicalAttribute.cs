namespace RunProof.Format;

/// <summary>
/// Makes a partial record a typed record of proof-format.md section 1: the generator writes its serializer
/// (<see cref="ICanonical{TSelf}"/>) and fixes its fingerprint (section 6) at compile time; where RunProof.Skills is referenced, its JSON
/// Schema and its binder too.
/// </summary>
/// <remarks>Members are the public instance properties; their wire names are the snake_case of the property name
/// unless <see cref="WireNameAttribute"/> says otherwise.</remarks>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct, Inherited = false)]
public sealed class CanonicalAttribute : Attribute
{
    /// <summary>The schema's name. Default: the snake_case of the type's name.</summary>
    public string? Name { get; init; }

    /// <summary>The schema's version. Default: <c>"1"</c>. Another shape under the same version breaks recorded proofs.</summary>
    public string Version { get; init; } = "1";
}

/// <summary>The name of a member or of an enum value on the wire, where the snake_case of its C# name is not it.</summary>
/// <param name="name">The exact wire name.</param>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field | AttributeTargets.Parameter, Inherited = false)]
public sealed class WireNameAttribute(string name) : Attribute
{
    /// <summary>The exact wire name.</summary>
    public string Name { get; } = name;
}

/// <summary>
/// Marks a struct that writes itself as one JSON scalar, through <see cref="ICanonicalScalar{TSelf}"/>.
/// </summary>
/// <param name="schemaType">How section 6 spells it: <c>string</c> or <c>integer</c>.</param>
[AttributeUsage(AttributeTargets.Struct, Inherited = false)]
public sealed class CanonicalScalarAttribute(string schemaType) : Attribute
{
    /// <summary>How section 6 spells the type.</summary>
    public string SchemaType { get; } = schemaType;
}

/// <summary>
/// A canonical record or a skill of the assembly, or a record of another assembly that one of them holds, as an entry of <c>canonical.lock.json</c>. The generator
/// writes one for each, so that what a build declares can be read from it without running it.
/// </summary>
/// <param name="entry">The entry: JSON on one line.</param>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
public sealed class CanonicalShapeAttribute(string entry) : Attribute
{
    /// <summary>The entry: JSON on one line.</summary>
    public string Entry => entry;
}
