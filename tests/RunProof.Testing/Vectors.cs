using System.Text.Json;

namespace RunProof.Testing;

/// <summary>Published and pinned test data of the checkout, <c>tests/vectors</c>. Tests of small libraries compile this file instead of referencing its project.</summary>
public static class Vectors
{
    /// <summary>The folder of the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The folder of the test data.</summary>
    public static string Folder { get; } = Path.Combine(Root, "tests", "vectors");

    /// <summary>A file or folder of the test data.</summary>
    /// <param name="parts">Its path in there.</param>
    public static string PathOf(params string[] parts) => Path.Combine([Folder, .. parts]);

    /// <summary>A file's bytes.</summary>
    /// <param name="parts">Its path.</param>
    public static byte[] Bytes(params string[] parts) => File.ReadAllBytes(PathOf(parts));

    /// <summary>A JSON file.</summary>
    /// <param name="parts">Its path.</param>
    public static JsonElement Json(params string[] parts)
    {
        using var document = JsonDocument.Parse(Bytes(parts));
        return document.RootElement.Clone();
    }

    /// <summary>A member that is a string.</summary>
    /// <param name="element">The object.</param>
    /// <param name="name">The member.</param>
    public static string Text(this JsonElement element, string name) => element.GetProperty(name).GetString()!;

    /// <summary>A member that is hex.</summary>
    /// <param name="element">The object.</param>
    /// <param name="name">The member.</param>
    public static byte[] Hex(this JsonElement element, string name) => Convert.FromHexString(element.Text(name));

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "RunProof.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"no folder above {AppContext.BaseDirectory} holds RunProof.sln");
    }
}
