using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace RunProof.BuiltinSkills;

/// <summary>
/// An open folder. Everything in it is reached through it, one name at a time and never through a link: whatever happens to the path meanwhile, it is in this folder.
/// </summary>
internal sealed class Folder : IDisposable
{
    private static int _unfinished;

    private readonly SafeFileHandle _handle;

    private Folder(int descriptor) => _handle = new SafeFileHandle(descriptor, ownsHandle: true);

    private int Descriptor => (int)_handle.DangerousGetHandle();

    /// <summary>Opens a folder that the operator named: links on the way to it are the operator's.</summary>
    internal static Folder OpenRoot(string path) =>
        new(Posix.Check(Posix.Open(Posix.CurrentFolder, path, Posix.ReadOnly | Posix.Folder | Posix.CloseOnExec, 0), "."));

    /// <summary>Opens a folder in this one.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="make">Whether to make it where there is none.</param>
    /// <param name="path">The caller's path, for messages.</param>
    internal Folder Enter(string name, bool make, string path)
    {
        // That it exists already, now or since a moment ago, is what was wanted.
        if (make && Posix.StatusOf(Descriptor, name) is null)
            _ = Posix.MakeFolder(Descriptor, name, 0b111_000_000);
        var opened = Posix.Open(Descriptor, name, Posix.ReadOnly | Posix.Folder | Posix.NoFollow | Posix.CloseOnExec, 0);
        if (opened >= 0)
            return new Folder(opened);
        var error = Posix.LastError;
        // Where a folder is asked for, the kernel says "no folder" of a link as well.
        throw FileFault.Of(Posix.StatusOf(Descriptor, name)?.Kind is FileKind.Link ? FileFault.Loop : error, path);
    }

    /// <summary>Opens a regular file for reading.</summary>
    internal SafeFileHandle OpenFile(string name, string path, out long size)
    {
        // A pipe or a device must not keep the step waiting before it is known for what it is.
        var file = new SafeFileHandle(
            Posix.Check(Posix.Open(Descriptor, name, Posix.ReadOnly | Posix.NoFollow | Posix.NonBlocking | Posix.CloseOnExec, 0), path), ownsHandle: true);
        var status = Posix.StatusOf((int)file.DangerousGetHandle());
        size = status.Size;
        if (status.Kind is FileKind.File)
            return file;
        file.Dispose();
        throw FileFault.Of("not_a_file", $"\"{path}\" is {(status.Kind is FileKind.Folder ? "a folder" : "neither file nor folder")}");
    }

    /// <summary>What stands at a name; null where nothing does.</summary>
    internal FileKind? KindOf(string name) => Posix.StatusOf(Descriptor, name)?.Kind;

    /// <summary>
    /// Writes a whole file: under a name of its own, flushed to the disk, then given its name in one step. A reader finds the old file or the new one, never half of either.
    /// </summary>
    /// <returns>False where there is such a name and it must not be replaced.</returns>
    internal async Task<bool> WriteAsync(string name, ReadOnlyMemory<byte> content, bool replace, string path, CancellationToken cancellationToken)
    {
        var (unfinished, file) = CreateUnfinished(path);
        try
        {
            using (file)
            {
                await RandomAccess.WriteAsync(file, content, 0, cancellationToken).ConfigureAwait(false);
                Posix.Check(Posix.Flush((int)file.DangerousGetHandle()), path);
            }

            cancellationToken.ThrowIfCancellationRequested();
            var named = replace ? Posix.Rename(Descriptor, unfinished, Descriptor, name) : Posix.Link(Descriptor, unfinished, Descriptor, name, 0);
            if (named < 0 && !replace && Posix.LastError == FileFault.Exists)
                return false;
            Posix.Check(named, path);
            Posix.Check(Posix.Flush(Descriptor), path);
            return true;
        }
        catch (IOException e)
        {
            throw FileFault.Of("io_error", $"\"{path}\": {e.Message}", retryable: true);
        }
        finally
        {
            // After a rename there is nothing left of that name.
            _ = Posix.Unlink(Descriptor, unfinished, 0);
        }
    }

    /// <summary>The names in it, in no order; unfinished files are not among them.</summary>
    internal IEnumerable<FileEntry> Entries()
    {
        // The kernel's own name of what is open: it stays this folder, wherever that is moved to.
        var self = new DirectoryInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{Descriptor}"));
        foreach (var entry in self.EnumerateFileSystemInfos("*", new EnumerationOptions { AttributesToSkip = 0, IgnoreInaccessible = false }))
        {
            if (entry.Name.StartsWith(FilePath.Unfinished, StringComparison.Ordinal) || Posix.StatusOf(Descriptor, entry.Name) is not { } status)
                continue;
            yield return new FileEntry { Name = entry.Name, Kind = status.Kind, Size = status.Kind is FileKind.File ? status.Size : null };
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private (string Name, SafeFileHandle File) CreateUnfinished(string path)
    {
        while (true)
        {
            // Several processes may share the folder and a process id: whoever makes the name has it, and nobody takes another's away.
            var name = string.Create(CultureInfo.InvariantCulture, $"{FilePath.Unfinished}{Environment.ProcessId}-{Interlocked.Increment(ref _unfinished)}");
            var opened = Posix.Open(Descriptor, name, Posix.WriteOnly | Posix.Create | Posix.Exclusive | Posix.NoFollow | Posix.CloseOnExec, 0b110_000_000);
            if (opened >= 0)
                return (name, new SafeFileHandle(opened, ownsHandle: true));
            if (Posix.LastError != FileFault.Exists)
                Posix.Check(opened, path);
        }
    }
}
