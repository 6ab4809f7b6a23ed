using System.Runtime.InteropServices;

namespace RunProof.BuiltinSkills;

/// <summary>
/// The calls of Linux that open a name relative to an open folder and follow no link: .NET opens by whole paths only, and a path that was checked may be another
/// one when it is opened.
/// </summary>
internal static unsafe partial class Posix
{
    internal const int CurrentFolder = -100; // AT_FDCWD
    internal const int ReadOnly = 0;
    internal const int WriteOnly = 1;
    internal const int Create = 0x40;
    internal const int Exclusive = 0x80;
    internal const int NonBlocking = 0x800;
    internal const int CloseOnExec = 0x80000;

    private const int EmptyPath = 0x1000;
    private const int NoFollowStat = 0x100;
    private const uint BasicStats = 0x7ff;

    private static readonly bool IsArm = RuntimeInformation.ProcessArchitecture is Architecture.Arm64;

    /// <summary>Whether the numbers above are this system's.</summary>
    internal static bool IsSupported => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64;

    // The kernel numbers these two differently on ARM: include/uapi/asm/fcntl.h.
    internal static int Folder => IsArm ? 0x4000 : 0x10000;

    internal static int NoFollow => IsArm ? 0x8000 : 0x20000;

    /// <summary>What a name or an open file is.</summary>
    internal readonly record struct Status(FileKind Kind, long Size);

    internal static Status StatusOf(int file)
    {
        Check(TryStatus(file, "", EmptyPath, out var status), "");
        return status;
    }

    /// <summary>What stands at a name; a link is a link. Null where nothing does.</summary>
    internal static Status? StatusOf(int folder, string name) => TryStatus(folder, name, NoFollowStat, out var status) == 0 ? status : null;

    /// <summary>Turns a call's result into an exception where it failed.</summary>
    internal static int Check(int result, string path) => result >= 0 ? result : throw FileFault.Of(LastError, path);

    /// <summary>Why the last of these calls failed.</summary>
    internal static int LastError => Marshal.GetLastPInvokeError();

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(int folder, string name, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int MakeFolder(int folder, string name, int mode);

    [LibraryImport("libc", EntryPoint = "renameat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Rename(int fromFolder, string from, int toFolder, string to);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Link(int fromFolder, string from, int toFolder, string to, int flags);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Unlink(int folder, string name, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    internal static partial int Flush(int file);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string name, int flags, uint mask, byte* status);

    private static int TryStatus(int folder, string name, int flags, out Status status)
    {
        // struct statx is the same on every architecture: mode at 28, size at 40, 256 bytes in all.
        var raw = stackalloc byte[256];
        var result = Statx(folder, name, flags, BasicStats, raw);
        var kind = (*(ushort*)(raw + 28) & 0xf000) switch
        {
            0x8000 => FileKind.File,
            0x4000 => FileKind.Folder,
            0xa000 => FileKind.Link,
            _ => FileKind.Other,
        };
        status = new Status(kind, *(long*)(raw + 40));
        return result;
    }
}
