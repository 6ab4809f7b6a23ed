using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.BuiltinSkills;

/// <summary>What to do with a JSON value: first <c>pick</c>, then <c>rename</c>, then <c>set</c>. Paths are names with dots, <c>[n]</c> for an array's element.</summary>
[Canonical(Name = "json_transform.parameters")]
public sealed partial record JsonTransformParameters
{
    /// <summary>The value to begin with.</summary>
    public required CanonicalJson Input { get; init; }

    /// <summary>Paths that are kept, each at its place, without <c>[n]</c>; everything else goes. Null keeps all.</summary>
    public IReadOnlyList<string>? Pick { get; init; }

    /// <summary>Members that move: from path to path, in the order of the first. What they move to must be free.</summary>
    public IReadOnlyDictionary<string, string> Rename { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Values that are put at paths, in the order of these, over what is there. Missing objects on the way are made.</summary>
    public IReadOnlyDictionary<string, CanonicalJson> Set { get; init; } = ImmutableSortedDictionary<string, CanonicalJson>.Empty;
}

/// <summary>What became of it.</summary>
[Canonical(Name = "json_transform.outcome")]
public sealed partial record JsonTransformOutcome
{
    /// <summary>The value.</summary>
    public required CanonicalJson Result { get; init; }
}

/// <summary>Picks, renames and sets members of a JSON value. The same parameters always give the same result.</summary>
[Skill("json_transform", Version = "1.0.0", Idempotent = true, Replay = ReplayBehavior.Check)]
public sealed partial class JsonTransformSkill
{
    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = Canonicalizer.MaxDepth + 2 };

    /// <summary>Transforms the input.</summary>
    /// <param name="parameters">What to do.</param>
    /// <param name="context">The step; not used.</param>
    /// <param name="cancellationToken">Not used: the work is short and bounded by its input.</param>
    /// <exception cref="SkillException"><c>invalid_path</c>, <c>path_not_found</c>, <c>path_taken</c> or <c>too_deep</c>; the path is named.</exception>
    /// <returns>The result.</returns>
    public ValueTask<JsonTransformOutcome> ExecuteAsync(JsonTransformParameters parameters, SkillContext context, CancellationToken cancellationToken)
    {
        var value = Parse(parameters.Input);
        if (parameters.Pick is { } picked)
            value = Pick(value, picked);
        foreach (var (from, to) in parameters.Rename.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            Move(value, Path(from), Path(to));
        foreach (var (path, set) in parameters.Set.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            Put(value, Path(path), Parse(set));
        return ValueTask.FromResult(new JsonTransformOutcome { Result = Canonical(value) });
    }

    private static JsonObject Pick(JsonNode? value, IReadOnlyList<string> picked)
    {
        var kept = new JsonObject();
        foreach (var path in picked.Select(Path))
        {
            if (path.HasIndex)
                throw Failed("invalid_path", $"pick: \"{path.Text}\" has an index, and a part of an array cannot keep its place");
            if (!path.TryGet(value, out var found))
                throw NotFound("pick", path);
            Put(kept, path, found?.DeepClone());
        }

        return kept;
    }

    private static void Move(JsonNode? value, JsonPath from, JsonPath to)
    {
        if (!from.TryRemove(value, out var moved))
            throw NotFound("rename", from);
        if (to.TryGet(value, out _))
            throw Failed("path_taken", $"rename: there is something at \"{to.Text}\" already");
        Put(value, to, moved);
    }

    private static void Put(JsonNode? value, JsonPath path, JsonNode? put)
    {
        if (!path.TrySet(value, put))
            throw NotFound("set", path);
    }

    private static JsonPath Path(string text) =>
        JsonPath.TryParse(text, out var path) ? path : throw Failed("invalid_path", $"\"{text}\" is no path: names with dots between them, [n] for an array's element");

    private static JsonNode? Parse(CanonicalJson json) => JsonNode.Parse(json.Bytes.Span, documentOptions: Deep);

    private static CanonicalJson Canonical(JsonNode? value)
    {
        try
        {
            return CanonicalJson.Parse(Encoding.UTF8.GetBytes(value is null ? "null" : value.ToJsonString(new JsonSerializerOptions { MaxDepth = 256 })));
        }
        catch (Exception e) when (e is CanonicalFormatException or JsonException or InvalidOperationException)
        {
            throw Failed("too_deep", "the result is nested deeper than 64 levels");
        }
    }

    private static SkillException NotFound(string what, JsonPath path) => Failed("path_not_found", $"{what}: there is nothing at \"{path.Text}\"");

    private static SkillException Failed(string code, string message) => new(new SkillFailure(code, message));
}
