using System.Globalization;
using System.Reflection;
using System.Text;
using RunProof.Format;

namespace RunProof.Postgres;

/// <summary>One numbered file of the schema, embedded in this assembly. Forward only: a file that was released is never changed.</summary>
/// <param name="Version">Its number, from 1; rising, not necessarily without gaps.</param>
/// <param name="Name">Its file name.</param>
/// <param name="Sql">Its text.</param>
/// <param name="Checksum">SHA-256 of its text in UTF-8 with line feeds.</param>
internal sealed record SchemaFile(int Version, string Name, string Sql, Digest Checksum)
{
    private const string Folder = "Schema/";

    /// <summary>All files in the order of their numbers.</summary>
    internal static IReadOnlyList<SchemaFile> All { get; } = Load(typeof(SchemaFile).Assembly);

    /// <summary>Makes a file of a name and a text.</summary>
    /// <exception cref="FormatException">The name does not begin with a number and an underscore.</exception>
    internal static SchemaFile Of(string name, string text)
    {
        var sql = text.ReplaceLineEndings("\n");
        var number = name.AsSpan(0, Math.Max(name.IndexOf('_', StringComparison.Ordinal), 0));
        if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var version))
            throw new FormatException($"schema file \"{name}\" must be called NNNN_name.sql");
        return new SchemaFile(version, name, sql, Digest.Of(Encoding.UTF8.GetBytes(sql)));
    }

    private static List<SchemaFile> Load(Assembly assembly)
    {
        var files = assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
            .Select(name => Of(name[Folder.Length..], Read(assembly, name)))
            .OrderBy(file => file.Version)
            .ToList();
        if (files.DistinctBy(file => file.Version).Count() != files.Count)
            throw new InvalidOperationException("two schema files have the same number");
        return files;
    }

    private static string Read(Assembly assembly, string name)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
