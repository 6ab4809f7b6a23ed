using System.Text.Json;

namespace RunProof.Tiles.Tests;

/// <summary>Published and pinned test data, tests/vectors.</summary>
internal static class Vectors
{
    internal static string Folder { get; } = Path.Combine(Root(), "tests", "vectors");

    internal static string PathOf(params string[] parts) => Path.Combine([Folder, .. parts]);

    internal static byte[] Bytes(params string[] parts) => File.ReadAllBytes(PathOf(parts));

    internal static JsonElement Json(params string[] parts)
    {
        using var document = JsonDocument.Parse(Bytes(parts));
        return document.RootElement.Clone();
    }

    private static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "RunProof.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"no folder above {AppContext.BaseDirectory} holds RunProof.sln");
    }
}
