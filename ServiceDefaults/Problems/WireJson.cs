using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection;

namespace RunProof.ServiceDefaults;

/// <summary>How the HTTP APIs spell JSON. It has no part in any hash.</summary>
public static class WireJson
{
    /// <summary>
    /// Names and enum values in snake_case; what a caller sends must hold no unknown member, no member twice, no null where none is allowed, no
    /// number in a string, and at most 64 levels.
    /// </summary>
    /// <param name="options">Options not in use yet.</param>
    public static void Configure(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.DictionaryKeyPolicy = null;
        options.PropertyNameCaseInsensitive = false;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.AllowDuplicateProperties = false;
        options.RespectNullableAnnotations = true;
        options.RespectRequiredConstructorParameters = true;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.MaxDepth = 64;
    }

    /// <summary>Gives the minimal APIs these options; a host adds its source-generated contexts to their <c>TypeInfoResolverChain</c>.</summary>
    internal static void AddWireJson(this IServiceCollection services) =>
        services.ConfigureHttpJsonOptions(json => Configure(json.SerializerOptions));
}
