using System.Globalization;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.BuiltinSkills;

/// <summary>Which folder.</summary>
[Canonical(Name = "file_list.parameters")]
public sealed partial record FileListParameters
{
    /// <summary>A path relative to the tenant's folder, with / between names; empty for the folder itself.</summary>
    public string Path { get; init; } = "";

    /// <summary>Names that are listed at most, 1 to 10000.</summary>
    public int Limit { get; init; } = 1_000;
}

/// <summary>What is in it.</summary>
[Canonical(Name = "file_list.outcome")]
public sealed partial record FileListOutcome
{
    /// <summary>The path.</summary>
    public required string Path { get; init; }

    /// <summary>What is in the folder, in the order of the names' UTF-16 code units.</summary>
    public required IReadOnlyList<FileEntry> Entries { get; init; }

    /// <summary>How many names there are, those beyond the limit included.</summary>
    public required int Count { get; init; }
}

/// <summary>A name in a folder.</summary>
[Canonical(Name = "file_list.entry")]
public sealed partial record FileEntry
{
    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>What it is.</summary>
    public required FileKind Kind { get; init; }

    /// <summary>A file's length in bytes, else null.</summary>
    public required long? Size { get; init; }
}

/// <summary>What a name is.</summary>
public enum FileKind
{
    /// <summary>A regular file.</summary>
    File,

    /// <summary>A folder.</summary>
    Folder,

    /// <summary>A symbolic link: the file skills follow none.</summary>
    Link,

    /// <summary>A device, a pipe, a socket.</summary>
    Other,
}

/// <summary>Lists a folder of the tenant's files, in order. No link is followed, and nothing outside is reached.</summary>
/// <remarks>
/// Failures: <c>path_refused</c>, <c>not_found</c>, <c>too_many_entries</c> (more than 100000), <c>access_denied</c>, <c>io_error</c>, <c>not_configured</c>,
/// <c>not_supported</c>, <c>invalid_parameters</c>.
/// </remarks>
[Skill("file_list", Version = "1.0.0", Idempotent = true, Replay = ReplayBehavior.Check)]
public sealed partial class FileListSkill(FileRoots roots)
{
    private const int MostEntries = 100_000;

    /// <summary>Lists it.</summary>
    /// <param name="parameters">Which folder.</param>
    /// <param name="context">The step: its tenant's folder.</param>
    /// <param name="cancellationToken">Ends the listing.</param>
    /// <exception cref="SkillException">It cannot be listed.</exception>
    /// <returns>What is in it.</returns>
    public ValueTask<FileListOutcome> ExecuteAsync(FileListParameters parameters, SkillContext context, CancellationToken cancellationToken)
    {
        if (parameters.Limit is < 1 or > 10_000)
            throw FileFault.Of("invalid_parameters", "limit must be from 1 to 10000");
        var path = FilePath.Parse(parameters.Path, mayBeRoot: true);
        roots.Ensure(context.TenantId);
        using var folder = roots.OpenFolder(context.TenantId, path);
        var entries = new List<FileEntry>();
        try
        {
            foreach (var entry in folder.Entries())
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (entries.Count == MostEntries)
                    throw FileFault.Of("too_many_entries", string.Create(CultureInfo.InvariantCulture, $"\"{path.Text}\" holds more than {MostEntries} names"));
                entries.Add(entry);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FileFault.Of(e is IOException ? "io_error" : "access_denied", $"\"{path.Text}\" cannot be listed", retryable: e is IOException);
        }

        entries.Sort((one, other) => string.CompareOrdinal(one.Name, other.Name));
        return ValueTask.FromResult(new FileListOutcome { Path = path.Text, Entries = [.. entries.Take(parameters.Limit)], Count = entries.Count });
    }
}
