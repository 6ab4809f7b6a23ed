using System.Text.Json;

namespace RunProof.Witness.Tests;

/// <summary>Published test data, tests/vectors.</summary>
internal static class Vectors
{
    internal static JsonElement Json(params string[] parts)
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "RunProof.sln")))
            root = root.Parent ?? throw new InvalidOperationException($"no folder above {AppContext.BaseDirectory} holds RunProof.sln");
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine([root.FullName, "tests", "vectors", .. parts])));
        return document.RootElement.Clone();
    }

    internal static string Text(this JsonElement element, string name) => element.GetProperty(name).GetString()!;

    internal static byte[] Hex(this JsonElement element, string name) => Convert.FromHexString(element.Text(name));
}
