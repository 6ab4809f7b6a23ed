using System.Runtime.InteropServices;

namespace RunProof.Witness;

/// <summary>Replaces a file so that a crash at any instant leaves the old content or the new, and that what was reported written is there after a power cut.</summary>
internal static partial class DurableFile
{
    /// <summary>Writes beside the file, flushes to the disk, renames over it and flushes the folder's own entry.</summary>
    /// <param name="path">The file.</param>
    /// <param name="content">Its new content.</param>
    /// <exception cref="IOException">Some of it failed: the file holds the old content or the new.</exception>
    internal static void Replace(string path, ReadOnlySpan<byte> content)
    {
        var beside = path + ".new";
        using (var file = new FileStream(beside, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(beside, path, overwrite: true);
        FlushFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>A rename is durable once the folder is. Windows flushes it with the file.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="IOException">The system could not.</exception>
    internal static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
            return;
        var handle = Open(folder, 0);
        if (handle < 0)
            throw new IOException($"cannot open the folder {folder} to flush it: {Marshal.GetLastPInvokeErrorMessage()}");
        try
        {
            if (Fsync(handle) != 0)
                throw new IOException($"cannot flush the folder {folder}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
        finally
        {
            _ = Close(handle);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int handle);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int handle);
}
