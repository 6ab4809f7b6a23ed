using RunProof.Keys;

namespace RunProof.Cli;

/// <summary>A private key in a file that nobody but its owner may read.</summary>
internal static class PrivateKeyFile
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Writes a new file; one that is there stays.</summary>
    /// <exception cref="CommandException">It is there already, or cannot be written.</exception>
    internal static void Create(string file, NoteSigner signer)
    {
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using var stream = new FileStream(file, options);
            stream.Write(System.Text.Encoding.ASCII.GetBytes(signer.ToPrivateText() + "\n"));
            stream.Flush(flushToDisk: true);
        }
        catch (IOException) when (File.Exists(file))
        {
            throw CommandException.Usage($"{file} is there already, and a key is never written over");
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"cannot write {file}: {problem.Message}");
        }
    }

    /// <summary>Reads a key.</summary>
    /// <exception cref="CommandException">Others may read it, or it is none.</exception>
    internal static async Task<NoteSigner> ReadAsync(string file, World world, CancellationToken cancellationToken)
    {
        var bytes = await InputFile.ReadAsync(file, world, cancellationToken, 4096);
        if (file != "-" && !OperatingSystem.IsWindows() && (File.GetUnixFileMode(file) & Others) != 0)
            throw CommandException.Usage($"{file} can be read or written by others than its owner", $"chmod 600 {file}, and make a new key if others could have read it");
        try
        {
            return NoteSigner.Parse(System.Text.Encoding.UTF8.GetString(bytes));
        }
        catch (FormatException problem)
        {
            throw CommandException.Usage($"{file}: {problem.Message}");
        }
        catch (PlatformNotSupportedException problem)
        {
            throw new CommandException(ExitCode.Error, "unsupported", problem.Message);
        }
    }
}
