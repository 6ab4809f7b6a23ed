using System.Globalization;
using System.Text;
using System.Text.Unicode;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.BuiltinSkills;

/// <summary>Which file.</summary>
[Canonical(Name = "file_read.parameters")]
public sealed partial record FileReadParameters
{
    /// <summary>A path relative to the tenant's folder, with / between names.</summary>
    public required string Path { get; init; }

    /// <summary>What the content is recorded as: auto is text where it is UTF-8, else bytes.</summary>
    public FileContent As { get; init; } = FileContent.Auto;

    /// <summary>Bytes of the largest file that is read, 0 to 67108864; the operator may have set a lower limit.</summary>
    public int MaxBytes { get; init; } = 1_048_576;
}

/// <summary>What a file's content is taken for.</summary>
public enum FileContent
{
    /// <summary>Text where it is UTF-8, else bytes.</summary>
    Auto,

    /// <summary>UTF-8 text.</summary>
    Text,

    /// <summary>JSON, so that later steps can refer into it.</summary>
    Json,

    /// <summary>Bytes.</summary>
    Bytes,
}

/// <summary>The file.</summary>
[Canonical(Name = "file_read.outcome")]
public sealed partial record FileReadOutcome
{
    /// <summary>The path.</summary>
    public required string Path { get; init; }

    /// <summary>Its length in bytes.</summary>
    public required int Size { get; init; }

    /// <summary>The content as text, or null.</summary>
    public string? Text { get; init; }

    /// <summary>The content as JSON, or null.</summary>
    public CanonicalJson? Json { get; init; }

    /// <summary>The content as base64, or null.</summary>
    public byte[]? Data { get; init; }
}

/// <summary>Reads a file of the tenant's folder. No link is followed, and nothing outside is reached.</summary>
/// <remarks>
/// Failures: <c>path_refused</c>, <c>not_found</c>, <c>not_a_file</c>, <c>too_large</c>, <c>not_text</c>, <c>not_json</c>, <c>access_denied</c>, <c>io_error</c>,
/// <c>not_configured</c>, <c>not_supported</c>, <c>invalid_parameters</c>.
/// </remarks>
[Skill("file_read", Version = "1.0.0", Idempotent = true, Replay = ReplayBehavior.Check)]
public sealed partial class FileReadSkill(FileRoots roots)
{
    /// <summary>Reads it whole.</summary>
    /// <param name="parameters">Which file.</param>
    /// <param name="context">The step: its tenant's folder.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="SkillException">It cannot be read.</exception>
    /// <returns>The content.</returns>
    public async Task<FileReadOutcome> ExecuteAsync(FileReadParameters parameters, SkillContext context, CancellationToken cancellationToken)
    {
        if (parameters.MaxBytes is < 0 or > 67_108_864)
            throw FileFault.Of("invalid_parameters", "max_bytes must be from 0 to 67108864");
        var path = FilePath.Parse(parameters.Path, mayBeRoot: false);
        var content = await ReadAsync(roots, context.TenantId, path, Math.Min(parameters.MaxBytes, roots.MaxBytes), cancellationToken).ConfigureAwait(false);
        var outcome = new FileReadOutcome { Path = path.Text, Size = content.Length };
        var isText = Utf8.IsValid(content);
        return parameters.As switch
        {
            FileContent.Json => outcome with { Json = JsonOf(content, path) },
            FileContent.Text when !isText => throw FileFault.Of("not_text", $"\"{path.Text}\" is no UTF-8"),
            FileContent.Text or FileContent.Auto when isText => outcome with { Text = Encoding.UTF8.GetString(content) },
            _ => outcome with { Data = content },
        };
    }

    /// <summary>Reads a whole file and never more than the limit, however it grows meanwhile.</summary>
    internal static async Task<byte[]> ReadAsync(FileRoots roots, TenantId tenant, FilePath path, int limit, CancellationToken cancellationToken)
    {
        using var folder = roots.OpenParent(tenant, path, make: false);
        using var file = folder.OpenFile(path.Name, path.Text, out var size);
        if (size > limit)
            throw TooLarge(path, limit);
        // One more than it should have: a file that has grown since is seen to have.
        var content = new byte[Math.Min(size, limit) + 1];
        var length = 0;
        try
        {
            while (length < content.Length)
            {
                var read = await RandomAccess.ReadAsync(file, content.AsMemory(length), length, cancellationToken).ConfigureAwait(false);
                if (read == 0)
                    return content[..length];
                length += read;
                if (length == content.Length && length <= limit)
                    Array.Resize(ref content, (int)Math.Min(content.Length * 2L, limit + 1L));
            }
        }
        catch (IOException e)
        {
            throw FileFault.Of("io_error", $"\"{path.Text}\": {e.Message}", retryable: true);
        }

        throw TooLarge(path, limit);
    }

    private static CanonicalJson JsonOf(byte[] content, FilePath path)
    {
        try
        {
            using (System.Text.Json.JsonDocument.Parse(content, new System.Text.Json.JsonDocumentOptions { MaxDepth = 1024 }))
                return CanonicalJson.FromOutside(content, "application/json");
        }
        catch (System.Text.Json.JsonException e)
        {
            throw FileFault.Of("not_json", $"\"{path.Text}\" is no JSON: {e.Message}");
        }
    }

    private static SkillException TooLarge(FilePath path, int limit) =>
        FileFault.Of("too_large", string.Create(CultureInfo.InvariantCulture, $"\"{path.Text}\" has more than {limit} bytes"));
}
