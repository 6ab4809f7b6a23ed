using System.Runtime.InteropServices;
using RunProof.Skills;

namespace RunProof.BuiltinSkills;

/// <summary>Failures of the file skills.</summary>
internal static class FileFault
{
    internal const int NotFound = 2;
    internal const int Exists = 17;
    internal const int NoFolder = 20;
    internal const int Loop = 40;

    internal static SkillException Of(string code, string message, bool retryable = false) => new(new SkillFailure(code, message, retryable));

    /// <summary>The failure that a number of the system's stands for. No message names a path of the machine, only the caller's own.</summary>
    internal static SkillException Of(int errno, string path) => errno switch
    {
        NotFound => Of("not_found", $"there is no \"{path}\""),
        NoFolder => Of("not_found", $"a part of \"{path}\" is no folder"),
        Loop => Of("path_refused", $"\"{path}\" is or passes a link, and links are not followed"),
        Exists => Of("already_exists", $"there is a \"{path}\" already"),
        21 => Of("not_a_file", $"\"{path}\" is a folder"),
        1 or 13 or 30 => Of("access_denied", $"the system does not allow it for \"{path}\""),
        36 => Of("invalid_parameters", $"\"{path}\" has a name that is too long for the file system"),
        27 or 28 or 122 => Of("disk_full", $"there is no room for \"{path}\"", retryable: true),
        _ => Of("io_error", $"\"{path}\": {Marshal.GetPInvokeErrorMessage(errno)}", retryable: true),
    };
}
