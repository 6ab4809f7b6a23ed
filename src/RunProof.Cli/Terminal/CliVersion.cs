using System.Reflection;

namespace RunProof.Cli;

/// <summary>This program's version.</summary>
internal static class CliVersion
{
    /// <summary>Version and commit.</summary>
    internal static string Text { get; } =
        typeof(CliVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "of unknown version";
}
