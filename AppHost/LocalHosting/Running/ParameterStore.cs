using System.Text.Json;
using Aspire.Hosting.ApplicationModel;

namespace RunProof.AppHost;

/// <summary>The values of parameters: from the environment (<c>Parameters__name</c>), else kept in <c>parameters.json</c>, readable by its owner only.</summary>
internal sealed class ParameterStore(string dataFolder)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, string> unkept = new(StringComparer.Ordinal);
    private SortedDictionary<string, string>? kept;

    private string FilePath => Path.Combine(dataFolder, "parameters.json");

    /// <summary>The value of a parameter, generated when it is first asked for.</summary>
    /// <exception cref="InvalidDataException">The file is not what was written.</exception>
    public string Get(string name, ParameterDefault value, bool persist)
    {
        if (FromEnvironment(name) is { } given)
            return given;
        lock (gate)
        {
            kept ??= Read();
            if (kept.TryGetValue(name, out var found) || unkept.TryGetValue(name, out found))
                return found;
            var generated = value.GetDefaultValue();
            if (!persist)
                return unkept[name] = generated;
            kept[name] = generated;
            Write(kept);
            return generated;
        }
    }

    private static string? FromEnvironment(string name)
    {
        var value = Environment.GetEnvironmentVariable($"Parameters__{name}") ?? Environment.GetEnvironmentVariable($"Parameters__{name.Replace('-', '_')}");
        return string.IsNullOrEmpty(value) ? null : value;
    }

    private SortedDictionary<string, string> Read()
    {
        if (!File.Exists(FilePath))
            return new SortedDictionary<string, string>(StringComparer.Ordinal);
        try
        {
            return new(JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllBytes(FilePath)) ?? [], StringComparer.Ordinal);
        }
        catch (JsonException broken)
        {
            throw new InvalidDataException($"'{FilePath}' cannot be read ({broken.Message}). Mend it, or remove it to have new passwords and a new API key.", broken);
        }
    }

    private void Write(SortedDictionary<string, string> values)
    {
        Directory.CreateDirectory(dataFolder);
        var temporary = FilePath + ".tmp";
        File.Delete(temporary);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(temporary, options))
            JsonSerializer.Serialize(file, values, JsonSerializerOptions.Web);
        File.Move(temporary, FilePath, overwrite: true);
    }
}
