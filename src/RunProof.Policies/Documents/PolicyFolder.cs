namespace RunProof.Policies;

/// <summary>Policies from files: <c>*.yaml</c>, <c>*.yml</c> and <c>*.json</c> of one folder, not of those within it.</summary>
public static class PolicyFolder
{
    private static readonly string[] Endings = [".yaml", ".yml", ".json"];

    /// <summary>Reads a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="PolicyFileException">It cannot be read, or a file in it is no policy: the file and all that is wrong with it are named.</exception>
    /// <returns>The policies, in the order of their files' names.</returns>
    public static IReadOnlyList<PolicyDocument> Read(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        var policies = new List<PolicyDocument>();
        foreach (var file in Files(folder))
        {
            var policy = ReadFile(file);
            if (policies.Exists(other => other.Name == policy.Name))
                throw new PolicyFileException($"{file}: another file of the folder holds a policy \"{policy.Name}\"");
            policies.Add(policy);
        }

        return policies;
    }

    private static IEnumerable<string> Files(string folder)
    {
        try
        {
            return Directory.GetFiles(folder).Where(file => Endings.Contains(Path.GetExtension(file), StringComparer.Ordinal)).Order(StringComparer.Ordinal).ToList();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new PolicyFileException($"policies cannot be read from {folder}: {fault.Message}", fault);
        }
    }

    private static PolicyDocument ReadFile(string file)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new PolicyFileException($"{file}: {fault.Message}", fault);
        }

        var reading = PolicyReader.Read(bytes);
        return reading.Policy ?? throw new PolicyFileException($"{file}: {string.Join("; ", reading.Errors)}");
    }
}

/// <summary>A file that should hold a policy does not.</summary>
/// <param name="message">Which, and all that is wrong with it.</param>
/// <param name="inner">What happened, or null.</param>
public sealed class PolicyFileException(string message, Exception? inner = null) : Exception(message, inner);
