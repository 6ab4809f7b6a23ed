using System.Text.Json;
using RunProof.Format;

namespace RunProof.Skills;

/// <summary>
/// What the generator writes beside <see cref="ICanonical{TSelf}"/> for a record that callers give as JSON: parameters and outcomes of skills,
/// and every other <see cref="CanonicalAttribute"/> record of an assembly that references this one.
/// </summary>
/// <typeparam name="TSelf">The record.</typeparam>
public interface IJsonBound<TSelf>
    where TSelf : IJsonBound<TSelf>
{
    /// <summary>A JSON Schema (draft 2020-12) of the record, for callers and planners. It is no hash input.</summary>
    static abstract string JsonSchema { get; }

    /// <summary>Builds the record from JSON that a caller or a planner wrote, its members in any order; members with a default may be missing.</summary>
    /// <param name="json">The JSON value.</param>
    /// <param name="place">Where it stands in the caller's document, for messages: <c>plan[0].params</c>.</param>
    /// <exception cref="JsonBindingException">A member is missing, unknown, there twice or of another type; the place is named.</exception>
    /// <returns>The record.</returns>
    static abstract TSelf BindJson(JsonElement json, string place);
}
