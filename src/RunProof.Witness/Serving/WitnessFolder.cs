using System.Security.Cryptography;
using System.Text;
using RunProof.Format;

namespace RunProof.Witness;

/// <summary>
/// What a witness remembers, in a folder: <c>&lt;hex SHA-256 of the origin&gt;.checkpoint</c> for each log, the note as it was cosigned, and under
/// <c>forks/</c> the proofs that a log forked. Any number of processes may share it; each change is made under a lock file.
/// </summary>
public sealed class WitnessFolder : IWitnessStore
{
    /// <summary>Fork proofs that are kept of one log: one convicts it.</summary>
    public const int MaxForks = 100;

    private static readonly TimeSpan LockTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LockInterval = TimeSpan.FromMilliseconds(5);
    private readonly string _folder;
    private readonly TimeProvider _clock;

    /// <summary>Opens the folder; it is made where it is missing.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="clock">For waiting until another process has finished.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be made.</exception>
    public WitnessFolder(string folder, TimeProvider clock)
    {
        (_folder, _clock) = (Path.GetFullPath(folder), clock);
        Directory.CreateDirectory(Forks);
        DurableFile.FlushFolder(_folder);
    }

    /// <summary>The folder of the fork proofs.</summary>
    public string Forks => Path.Combine(_folder, "forks");

    /// <summary>A log's name in paths: the lower-case hex SHA-256 of its origin.</summary>
    /// <param name="origin">The origin.</param>
    /// <returns>64 hex digits.</returns>
    public static string NameOf(string origin) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(origin)));

    /// <summary>The cosigned checkpoint of a log by its name in paths.</summary>
    /// <param name="name">64 lower-case hex digits; nothing else names a file.</param>
    /// <returns>The note; null where there is none.</returns>
    public byte[]? ReadNote(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!Digest.TryParse(name, out _))
            return null;
        try
        {
            return File.ReadAllBytes(PathOf(name));
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The file is there and is no checkpoint: it was damaged, and nothing may be cosigned until somebody has looked.</exception>
    public ValueTask<WitnessedHead?> ReadAsync(string origin, CancellationToken cancellationToken) => new(HeadOf(origin));

    /// <inheritdoc/>
    public async ValueTask<bool> TryAdvanceAsync(string origin, WitnessedHead? expected, WitnessedHead next, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(next);
        await using var held = await LockAsync(NameOf(origin), cancellationToken).ConfigureAwait(false);
        // Another process may have been here between the caller's reading and the lock.
        if (!Equals(HeadOf(origin), expected))
            return false;
        DurableFile.Replace(PathOf(NameOf(origin)), Encoding.UTF8.GetBytes(next.Note));
        return true;
    }

    /// <inheritdoc/>
    public async ValueTask KeepForkAsync(string origin, ForkProof proof, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(proof);
        var (name, json) = (NameOf(origin), proof.ToJson());
        await using var held = await LockAsync(name, cancellationToken).ConfigureAwait(false);
        var path = Path.Combine(Forks, $"{name}-{Convert.ToHexStringLower(SHA256.HashData(json))[..16]}.json");
        if (!File.Exists(path) && Directory.EnumerateFiles(Forks, name + "-*.json").Take(MaxForks).Count() < MaxForks)
            DurableFile.Replace(path, json);
    }

    private WitnessedHead? HeadOf(string origin)
    {
        if (ReadNote(NameOf(origin)) is not { } bytes)
            return null;
        // A file that is there and cannot be read is never "none yet": that would let the log begin a second history.
        if (!SignedNote.TryParse(bytes, out var note, out var problem) || !Checkpoint.TryParse(note.Text, out var checkpoint, out problem))
            throw new InvalidDataException($"{PathOf(NameOf(origin))} is damaged: {problem}");
        if (checkpoint.Origin != origin)
            throw new InvalidDataException($"{PathOf(NameOf(origin))} is damaged: it is of {checkpoint.Origin}");
        return new WitnessedHead(checkpoint.Size, checkpoint.Root, note.ToString());
    }

    /// <summary>Holds the log's lock file: the system lets go of it when the process dies, however it does.</summary>
    private async ValueTask<FileStream> LockAsync(string name, CancellationToken cancellationToken)
    {
        var path = Path.Combine(_folder, name + ".lock");
        for (var started = _clock.GetTimestamp(); ;)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (_clock.GetElapsedTime(started) < LockTimeout)
            {
                await Task.Delay(LockInterval, _clock, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private string PathOf(string name) => Path.Combine(_folder, name + ".checkpoint");
}
