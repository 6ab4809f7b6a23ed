using System.Numerics;
using System.Text;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>An auditor's memory cannot be read, written or held.</summary>
/// <param name="message">What happened, naming the file.</param>
/// <param name="inner">The cause.</param>
public sealed class AuditStateException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The file that holds an auditor's <see cref="AuditState"/>. One audit at a time holds it, by a lock file beside it that the system lets go of however the process ends.
/// </summary>
public sealed class AuditStateFile : IDisposable
{
    private const long MaxLength = 256 * 1024 * 1024;

    private readonly FileStream _lock;

    private AuditStateFile(string path, string origin, FileStream held, AuditState state) => (Path, Origin, _lock, State) = (path, origin, held, state);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The log.</summary>
    public string Origin { get; }

    /// <summary>What it holds.</summary>
    public AuditState State { get; private set; }

    /// <summary>The file of a log where none is named: in the user's state folder, <c>$XDG_STATE_HOME/runproof/audit</c>.</summary>
    /// <param name="origin">The log's origin.</param>
    /// <param name="variable">Environment variables; null for one that is not set.</param>
    /// <returns>The path.</returns>
    public static string DefaultPath(string origin, Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        var name = Uri.EscapeDataString(origin);
        // Longer than a file's name may be: cut, and told apart by its hash.
        if (name.Length > 200)
            name = name[..120] + "." + Digest.Of(Encoding.UTF8.GetBytes(origin)).ToString()[..32];
        return System.IO.Path.Combine(StateFolder(variable), "runproof", "audit", name + ".json");
    }

    /// <summary>Holds the file, and reads it; where there is none, nothing is remembered yet.</summary>
    /// <param name="path">The file; its folder is made where it is missing.</param>
    /// <param name="origin">The log that it must be of.</param>
    /// <exception cref="AuditStateException">It cannot be read or held, another audit holds it, it is of another log, or it is damaged: it is never taken for none.</exception>
    /// <returns>The file, to be disposed.</returns>
    public static AuditStateFile Open(string path, string origin)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        path = System.IO.Path.GetFullPath(path);
        var held = Hold(path);
        try
        {
            return new AuditStateFile(path, origin, held, Read(path, origin) ?? new AuditState { Origin = origin });
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Replaces what the file holds: a crash at any instant leaves the old content or the new.</summary>
    /// <param name="state">The new content, of the same log.</param>
    /// <exception cref="AuditStateException">It cannot be written.</exception>
    public void Save(AuditState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.Origin != Origin)
            throw new ArgumentException("the file is another log's", nameof(state));
        var beside = Path + ".new";
        try
        {
            using (var file = new FileStream(beside, NewFile(FileMode.Create)))
            {
                JsonSerializer.Serialize(file, state, AuditStateJson.Default.AuditState);
                file.Flush(flushToDisk: true);
            }

            File.Move(beside, Path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AuditStateException($"the audit's state file {Path} cannot be written: {e.Message}", e);
        }

        State = state;
    }

    /// <summary>Lets go of the file.</summary>
    public void Dispose() => _lock.Dispose();

    private static FileStream Hold(string path)
    {
        try
        {
            var folder = System.IO.Path.GetDirectoryName(path)!;
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(folder);
            else
                Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return new FileStream(path + ".lock", NewFile(FileMode.OpenOrCreate));
        }
        catch (IOException e) when (File.Exists(path + ".lock"))
        {
            throw new AuditStateException($"another audit holds the state file {path}: wait for it, or give this one a file of its own", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AuditStateException($"the audit's state file {path} cannot be used: {e.Message}", e);
        }
    }

    private static AuditState? Read(string path, string origin)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (file.Length > MaxLength)
                throw Damaged(path, "it is too long");
            var state = JsonSerializer.Deserialize(file, AuditStateJson.Default.AuditState) ?? throw Damaged(path, "it holds nothing");
            if (state.Format != AuditState.CurrentFormat)
                throw Damaged(path, $"its format is \"{state.Format}\", not \"{AuditState.CurrentFormat}\"");
            if (state.Origin != origin)
                throw new AuditStateException($"the state file {path} is of the log {state.Origin}, not of {origin}");
            return ProblemOf(state) is { } problem ? throw Damaged(path, problem) : state;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw Damaged(path, e.Message, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AuditStateException($"the audit's state file {path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Whether the parts belong together: sizes, edges, and the roots that the notes name.</summary>
    private static string? ProblemOf(AuditState state)
    {
        if (state.Audited is { } audited)
        {
            if (!TryCheckpoint(audited.Note, out var checkpoint, out var problem))
                return problem;
            if (checkpoint.Origin != state.Origin || checkpoint.Size != audited.Size || !IsEdge(audited.Size, audited.Edge) || new MerkleTree(audited.Size, audited.Edge).Root() != checkpoint.Root)
                return "the audited checkpoint is not that of its size and edge";
            if (audited.CleanSize < 0 || audited.CleanSize > audited.Size)
                return "clean_size is not within the audited checkpoint";
        }

        if (state.Progress is not { } progress)
            return null;
        if (!TryCheckpoint(progress.Note, out var target, out var wrong))
            return wrong;
        return target.Origin == state.Origin && progress.From >= 0 && progress.From <= progress.Position && progress.Position <= target.Size && IsEdge(progress.Position, progress.Edge)
            ? null
            : "the progress is not within its checkpoint";
    }

    private static bool TryCheckpoint(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Checkpoint? checkpoint, out string problem)
    {
        checkpoint = null;
        return SignedNote.TryParse(Encoding.UTF8.GetBytes(text), out var note, out problem) && Checkpoint.TryParse(note.Text, out checkpoint, out problem);
    }

    private static bool IsEdge(long size, IReadOnlyList<Digest> edge) => size >= 0 && edge.Count == BitOperations.PopCount((ulong)size);

    private static AuditStateException Damaged(string path, string problem, Exception? inner = null) =>
        new($"the audit's state file {path} is damaged: {problem}. It is what a rollback would be seen by: restore it, or move it away to begin anew, knowing that", inner);

    private static FileStreamOptions NewFile(FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return options;
    }

    private static string StateFolder(Func<string, string?> variable)
    {
        if (variable("XDG_STATE_HOME") is { } named && System.IO.Path.IsPathRooted(named))
            return named;
        if (OperatingSystem.IsWindows())
            return Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return System.IO.Path.Combine(variable("HOME") ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), ".local", "state");
    }
}
