using System.Globalization;
using System.Security.Cryptography;
using RunProof.Format;
using RunProof.Keys;

namespace RunProof.Ledger;

/// <summary>The key file cannot be used, and the message says why and which file. It holds nothing of the key.</summary>
/// <param name="message">Why.</param>
/// <param name="inner">The cause, where there is one.</param>
public sealed class SigningKeyFileException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The operator's private key in a file that only its owner can read: one line <c>PRIVATE+KEY+…</c>. Signs as it stands in the file: a file that is replaced is
/// read again by <see cref="Refresh"/>.
/// </summary>
public sealed class SigningKeyFile : ICheckpointSigner, IEnvelopeSigner
{
    /// <summary>The file's name in its folder.</summary>
    public const string FileName = "log-signing.key";

    /// <summary>What the next key's file is called until a rotation is done: the name of the key file and this.</summary>
    public const string NextSuffix = ".next";

    /// <summary>The variable that names the file, whatever the folder.</summary>
    public const string Variable = "RUNPROOF_SIGNING_KEY_FILE";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const int MaxLength = 4096;

    private volatile CheckpointSigner _signer;
    private DateTime _written;

    private SigningKeyFile(string path, CheckpointSigner signer, DateTime written) => (Path, _signer, _written) = (path, signer, written);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Opens a key file, and makes one where there is none.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">The name in a new file: that of the logs.</param>
    /// <param name="isNew">Whether it was made: whoever runs this should be told to keep a copy.</param>
    /// <exception cref="SigningKeyFileException">It cannot be read or made, others may read it, or it holds no key.</exception>
    /// <exception cref="PlatformNotSupportedException">No libcrypto of OpenSSL 3 can be loaded.</exception>
    /// <returns>The signer.</returns>
    public static SigningKeyFile OpenOrCreate(string path, string name, out bool isNew)
    {
        isNew = !File.Exists(path) && TryCreate(path, name);
        var (signer, written) = Read(path);
        return new SigningKeyFile(path, new CheckpointSigner(signer), written);
    }

    /// <summary>Reads a key file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="SigningKeyFileException">It cannot be read, others may read it, or it holds no key.</exception>
    /// <exception cref="PlatformNotSupportedException">No libcrypto of OpenSSL 3 can be loaded.</exception>
    /// <returns>The key.</returns>
    public static NoteSigner Load(string path) => Read(path).Signer;

    /// <summary>Makes a key file of mode 0600, in a folder that is made with mode 0700 where it is missing; durable when this returns.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">The name in it.</param>
    /// <exception cref="SigningKeyFileException">It cannot be made.</exception>
    /// <returns>Whether it was made; false where there is one already, which stays as it is.</returns>
    public static bool TryCreate(string path, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var draft = path + "." + RandomNumberGenerator.GetHexString(16, lowercase: true);
        try
        {
            MakeFolder(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
            Write(draft, NoteSigner.Create(name, NoteAlgorithm.Ed25519, RandomNumberGenerator.GetBytes(Ed25519.KeyLength)).ToPrivateText() + "\n");
            // Moved into place whole: another process that starts at this moment sees no half of a key, and of two that make one, one wins.
            File.Move(draft, path, overwrite: false);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(draft))
                File.Delete(draft);
            return File.Exists(path) ? false : throw new SigningKeyFileException($"the signing key file {path} cannot be made: {e.Message}", e);
        }
    }

    /// <summary>What an old key's file is called after a rotation.</summary>
    /// <param name="path">The key file.</param>
    /// <param name="key">The old key.</param>
    /// <returns>The name: that of the key file, <c>.retired-</c> and the key's id.</returns>
    public static string RetiredName(string path, NoteKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return string.Create(CultureInfo.InvariantCulture, $"{path}.retired-{key.Id:x8}");
    }

    /// <summary>Where the key file is.</summary>
    /// <param name="file">What <see cref="Variable"/> says; null or empty where it is not set.</param>
    /// <param name="folder">The folder of the options; null for <c>keys</c> in the user's data folder.</param>
    /// <returns>Its path.</returns>
    public static string Locate(string? file, string? folder)
    {
        if (file is { Length: > 0 })
            return file;
        if (folder is { Length: > 0 })
            return System.IO.Path.Combine(folder, FileName);
        var data = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
        return System.IO.Path.Combine(data.Length > 0 ? System.IO.Path.Combine(data, "runproof") : ".runproof", "keys", FileName);
    }

    /// <summary>Reads the file again where it was replaced.</summary>
    /// <exception cref="SigningKeyFileException">What replaced it is no key file; the key that was read before stays in use.</exception>
    /// <returns>Whether there is another key now.</returns>
    public bool Refresh()
    {
        if (File.GetLastWriteTimeUtc(Path) == _written)
            return false;
        var (signer, written) = Read(Path);
        (_signer, _written) = (new CheckpointSigner(signer), written);
        return true;
    }

    /// <inheritdoc/>
    public NoteKey KeyOf(string origin) => _signer.KeyOf(origin);

    /// <inheritdoc/>
    public NoteSignature Sign(string origin, string text) => _signer.Sign(origin, text);

    /// <inheritdoc/>
    public DsseEnvelope SignEnvelope(string origin, string payloadType, ReadOnlyMemory<byte> payload) => _signer.SignEnvelope(origin, payloadType, payload);

    private static (NoteSigner Signer, DateTime Written) Read(string path)
    {
        try
        {
            var written = File.GetLastWriteTimeUtc(path);
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            RefuseOthers(path, file);
            if (file.Length > MaxLength)
                throw new SigningKeyFileException($"the signing key file {path} holds no key: it is too long");
            using var reader = new StreamReader(file);
            var signer = NoteSigner.Parse(reader.ReadToEnd());
            return signer.Key.Algorithm is NoteAlgorithm.Ed25519 ? (signer, written) : throw new SigningKeyFileException($"the signing key file {path} holds the key of a witness, not of a log");
        }
        catch (FormatException e)
        {
            throw new SigningKeyFileException($"the signing key file {path} holds no key: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SigningKeyFileException($"the signing key file {path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Of the open file, not of the path, which could name another by now.</summary>
    private static void RefuseOthers(string path, FileStream file)
    {
        if (OperatingSystem.IsWindows())
            return;
        var mode = File.GetUnixFileMode(file.SafeFileHandle);
        if ((mode & ~(OwnerOnly | UnixFileMode.UserExecute)) != 0)
            throw new SigningKeyFileException(string.Create(
                CultureInfo.InvariantCulture, $"the signing key file {path} has mode {Convert.ToString((int)mode, 8).PadLeft(4, '0')}: others than its owner can reach it. Set it to 0600 (chmod 600), and rotate the key if others may have read it"));
    }

    private static void Write(string path, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        using var file = new FileStream(path, options);
        file.Write(System.Text.Encoding.ASCII.GetBytes(text));
        file.Flush(flushToDisk: true);
    }

    private static void MakeFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
    }
}
