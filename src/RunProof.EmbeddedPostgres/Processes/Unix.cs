using System.Runtime.InteropServices;

namespace RunProof.EmbeddedPostgres;

/// <summary>The few system calls that .NET has no name for. Unix only.</summary>
internal static class Unix
{
    public const int SigInt = 2;
    public const int SigQuit = 3;
    public const int SigKill = 9;
    public const int SigTerm = 15;

    public static bool IsRoot => !OperatingSystem.IsWindows() && geteuid() == 0;

    /// <summary>Sends a signal. False when the process is gone or not ours.</summary>
    public static bool Signal(int processId, int signal) => kill(processId, signal) == 0;

    /// <summary>Whether a process of this id exists, ours or not.</summary>
    public static bool Exists(int processId) => kill(processId, 0) == 0 || Marshal.GetLastPInvokeError() != NoSuchProcess;

    /// <summary>Gives a file or folder to a user.</summary>
    public static void ChangeOwner(string path, UnixUser user)
    {
        if (chown(path, user.Uid, user.Gid) != 0)
            throw new IOException($"'{path}' cannot be given to user {user.Name}: error {Marshal.GetLastPInvokeError()} of chown.");
    }

    private const int NoSuchProcess = 3;

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int pid, int sig);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int chown([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint owner, uint group);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint geteuid();
}
