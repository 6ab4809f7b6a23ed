using System.Globalization;
using System.Text;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.BuiltinSkills;

/// <summary>What to write, and where.</summary>
[Canonical(Name = "file_write.parameters")]
public sealed partial record FileWriteParameters
{
    /// <summary>A path relative to the tenant's folder, with / between names.</summary>
    public required string Path { get; init; }

    /// <summary>Content as text, written in UTF-8. One of text, json and data is given.</summary>
    public string? Text { get; init; }

    /// <summary>Content as JSON, written in its canonical form.</summary>
    public CanonicalJson? Json { get; init; }

    /// <summary>Content as bytes.</summary>
    public byte[]? Data { get; init; }

    /// <summary>What happens where there is a file of other content: create fails, replace replaces it.</summary>
    public FileWriteMode Mode { get; init; } = FileWriteMode.Create;

    /// <summary>Whether folders on the way are made where there are none.</summary>
    public bool MakeFolders { get; init; } = false;
}

/// <summary>What happens to a file that is there already.</summary>
public enum FileWriteMode
{
    /// <summary>It stays; the step fails unless its content is the same.</summary>
    Create,

    /// <summary>It is replaced, in one step.</summary>
    Replace,
}

/// <summary>What was written.</summary>
[Canonical(Name = "file_write.outcome")]
public sealed partial record FileWriteOutcome
{
    /// <summary>The path.</summary>
    public required string Path { get; init; }

    /// <summary>The file's length in bytes.</summary>
    public required int Size { get; init; }
}

/// <summary>Writes a file of the tenant's folder, whole or not at all. No link is followed, and nothing outside is reached.</summary>
/// <remarks>
/// What is reported written is on the disk. Writing the same content twice is writing it once. Failures: <c>invalid_parameters</c>, <c>path_refused</c>,
/// <c>not_found</c> (a folder on the way), <c>already_exists</c>, <c>not_a_file</c>, <c>too_large</c>, <c>access_denied</c>, <c>disk_full</c>, <c>io_error</c>,
/// <c>not_configured</c>, <c>not_supported</c>.
/// </remarks>
[Skill("file_write", Version = "1.0.0", Idempotent = true, Replay = ReplayBehavior.Skip)]
public sealed partial class FileWriteSkill(FileRoots roots)
{
    /// <summary>Writes it.</summary>
    /// <param name="parameters">What and where.</param>
    /// <param name="context">The step: its tenant's folder.</param>
    /// <param name="cancellationToken">Ends the writing; until it has its name nothing is there.</param>
    /// <exception cref="SkillException">It cannot be written.</exception>
    /// <returns>What was written.</returns>
    public async Task<FileWriteOutcome> ExecuteAsync(FileWriteParameters parameters, SkillContext context, CancellationToken cancellationToken)
    {
        var path = FilePath.Parse(parameters.Path, mayBeRoot: false);
        var content = ContentOf(parameters);
        if (content.Length > roots.MaxBytes)
            throw FileFault.Of("too_large", string.Create(CultureInfo.InvariantCulture, $"{content.Length} bytes are more than the {roots.MaxBytes} that may be written"));
        roots.Ensure(context.TenantId);
        using var folder = roots.OpenParent(context.TenantId, path, parameters.MakeFolders);
        // A link would be replaced, not followed; but what somebody put there is not this skill's to take away.
        if (folder.KindOf(path.Name) is { } kind and not FileKind.File)
            throw kind is FileKind.Link ? FileFault.Of(FileFault.Loop, path.Text) : FileFault.Of("not_a_file", $"\"{path.Text}\" is {(kind is FileKind.Folder ? "a folder" : "no file")}");
        var written = await folder.WriteAsync(path.Name, content, parameters.Mode is FileWriteMode.Replace, path.Text, cancellationToken).ConfigureAwait(false);
        if (!written && !await IsThereAsync(context.TenantId, path, content, cancellationToken).ConfigureAwait(false))
            throw FileFault.Of("already_exists", $"there is a \"{path.Text}\" already, with other content");
        return new FileWriteOutcome { Path = path.Text, Size = content.Length };
    }

    private async Task<bool> IsThereAsync(TenantId tenant, FilePath path, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        try
        {
            var there = await FileReadSkill.ReadAsync(roots, tenant, path, content.Length, cancellationToken).ConfigureAwait(false);
            return content.Span.SequenceEqual(there);
        }
        catch (SkillException e) when (e.Failure.Code is "too_large")
        {
            return false;
        }
    }

    private static ReadOnlyMemory<byte> ContentOf(FileWriteParameters parameters)
    {
        var given = (parameters.Text is null ? 0 : 1) + (parameters.Json is null ? 0 : 1) + (parameters.Data is null ? 0 : 1);
        if (given != 1)
            throw FileFault.Of("invalid_parameters", "exactly one of text, json and data must be given");
        return parameters.Text is { } text ? Encoding.UTF8.GetBytes(text) : parameters.Json?.Bytes ?? parameters.Data;
    }
}
