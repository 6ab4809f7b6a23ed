namespace RunProof.Generators;

/// <summary>How a type is written on the wire.</summary>
internal enum WireKind
{
    Text,
    Boolean,
    SignedNumber,
    UnsignedNumber,
    WideInteger,
    Decimal,
    Single,
    Double,
    Enum,
    Time,
    Guid,
    Bytes,
    Duration,
    Json,
    Scalar,
    Record,
    List,
    Map,
}

/// <summary>What a list or a map is in C#, where that changes the code: how its items are counted, and what a binder must build.</summary>
internal enum CollectionForm
{
    None,
    Array,
    List,
    ImmutableArray,
    Dictionary,
    ImmutableSortedDictionary,
    ReadOnlyMemory,
}

/// <summary>A type as the generator knows it, without any symbol.</summary>
/// <param name="Kind">How it is written.</param>
/// <param name="CSharp">Its full name without an outer question mark: <c>global::System.Guid</c>.</param>
/// <param name="IsNullable">Whether null may stand there.</param>
/// <param name="IsReference">Whether null could stand there at run time even so.</param>
internal sealed record WireType(WireKind Kind, string CSharp, bool IsNullable, bool IsReference)
{
    /// <summary>Of a scalar struct, how the schema spells it.</summary>
    public string Spelling { get; init; } = "";

    /// <summary>Of an integer, its bits and sign in C#'s word: <c>Int64</c>.</summary>
    public string Width { get; init; } = "";

    public CollectionForm Form { get; init; }

    /// <summary>Of a list or map, what it holds.</summary>
    public WireType? Element { get; init; }

    /// <summary>Of a record, its shape.</summary>
    public RecordShape? Record { get; init; }

    /// <summary>Of an enum, its values in the order of declaration.</summary>
    public EquatableArray<EnumWord> Words { get; init; }

    /// <summary>The type as C# writes it, with its question mark.</summary>
    public string Declared => IsNullable ? CSharp + "?" : CSharp;
}

/// <summary>A value of an enum.</summary>
/// <param name="Constant">Its C# name, full.</param>
/// <param name="Wire">Its wire name.</param>
internal sealed record EnumWord(string Constant, string Wire);
