namespace RunProof.Generators;

/// <summary>One thing that a file declares, as far as it can reach a model; method bodies are no part of it.</summary>
/// <param name="Owner">The type that it is, or is a member of, by its simple name. Null: it reaches everything, as a global using does.</param>
/// <param name="Name">Of a member, its name; null where it counts whenever its owner does.</param>
/// <param name="Mark">Its text, what surrounds it included, without its place.</param>
/// <param name="References">The simple names in it.</param>
/// <param name="Around">The simple names in what surrounds it, which the facts there share.</param>
/// <param name="Attributes">The simple names of its own attributes.</param>
/// <param name="Position">Where its identifier begins, in its own file. Not part of the mark.</param>
internal sealed record Fact(string? Owner, string? Name, Mark Mark, string[] References, string[] Around, string[] Attributes, int Position)
{
    /// <summary>A fact of which only the name has been read.</summary>
    public static Fact OfName(string? owner, string? name, string[] attributes, int position) => new(owner, name, default, [], [], attributes, position);
}
