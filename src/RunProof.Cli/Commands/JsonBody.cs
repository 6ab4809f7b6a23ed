using System.Text.Json;
using System.Text.Json.Nodes;
using static System.FormattableString;

namespace RunProof.Cli;

/// <summary>Bodies of requests, from options and from files.</summary>
internal static class JsonBody
{
    /// <summary>Adds a member where it was given.</summary>
    /// <param name="body">The body.</param>
    /// <param name="name">The member.</param>
    /// <param name="value">Its value; null where it was not given.</param>
    internal static void AddGiven(this JsonObject body, string name, string? value)
    {
        if (value is not null)
            body[name] = value;
    }

    /// <summary>Reads a file.</summary>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="rule">What it must be: "a plan is a JSON array of steps".</param>
    /// <param name="example">What one looks like.</param>
    /// <exception cref="CommandException">It is no JSON, with the place; or another kind of it.</exception>
    internal static T Parse<T>(string file, byte[] content, string rule, string example)
        where T : JsonNode
    {
        try
        {
            return JsonNode.Parse(content) as T ?? throw CommandException.Usage($"{file}: {rule}", example);
        }
        catch (JsonException problem)
        {
            throw CommandException.Usage(Invariant($"{file}: line {problem.LineNumber + 1}, byte {problem.BytePositionInLine + 1}: not JSON"), example);
        }
    }
}
