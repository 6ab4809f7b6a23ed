namespace RunProof.Generators;

/// <summary>What happened to a member since it shipped.</summary>
internal enum LockChangeKind
{
    Added,
    Removed,
    Renamed,
    Type,
    Nullability,
}

/// <summary>A member that is not what shipped.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Property">Its name in C#: the present one, of a removed member the one it had.</param>
/// <param name="Words">What it was and is, in a clause: <c>its type was int64 and is decimal</c>.</param>
internal sealed record LockChange(LockChangeKind Kind, string Property, string Words);
