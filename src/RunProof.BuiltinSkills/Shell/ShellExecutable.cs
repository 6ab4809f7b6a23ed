using System.Collections.Immutable;

namespace RunProof.BuiltinSkills;

/// <summary>A program that <c>shell</c> may start. It runs as the runner's own user and sees what that user sees: the list of programs is the wall.</summary>
public sealed record ShellExecutable
{
    /// <summary>Its absolute path.</summary>
    public required string Path { get; init; }

    /// <summary>Arguments that always come first. Default: none.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Variables of its environment, beside PATH, LANG and HOME; nothing of the runner's own is handed on. Default: none.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The tenants that may start it, by id; <c>*</c> for all. At least one.</summary>
    public required IReadOnlyList<string> Tenants { get; init; }
}

/// <summary>The programs by name.</summary>
public sealed class ShellExecutables
{
    // What would read a script out of an argument undoes the list: the operator who wants that writes a program of their own.
    private static readonly ImmutableHashSet<string> Interpreters = ImmutableHashSet.Create(
        StringComparer.Ordinal, "sh", "bash", "dash", "ash", "zsh", "ksh", "fish", "csh", "tcsh", "pwsh", "busybox", "env", "xargs", "sudo", "su", "doas", "nsenter", "setsid", "nohup", "script");

    private readonly ImmutableSortedDictionary<string, ShellExecutable> _executables;

    /// <summary>Takes the programs; none is looked at yet.</summary>
    /// <param name="executables">The programs by name.</param>
    /// <exception cref="ArgumentException">One cannot be meant; it is named.</exception>
    public ShellExecutables(IReadOnlyDictionary<string, ShellExecutable> executables)
    {
        ArgumentNullException.ThrowIfNull(executables);
        foreach (var (name, executable) in executables)
        {
            if (!Path.IsPathFullyQualified(executable.Path))
                throw new ArgumentException($"the program \"{name}\" of the skill shell needs an absolute path");
            if (Interpreters.Contains(Path.GetFileName(executable.Path)) || Interpreters.Contains(Path.GetFileName(TargetOf(executable.Path))))
                throw new ArgumentException($"the program \"{name}\" of the skill shell starts whatever its arguments say, so a list of programs would mean nothing: name the program that it should start");
            if (executable.Tenants.Count == 0)
                throw new ArgumentException($"the program \"{name}\" of the skill shell needs the tenants that may start it (* for all)");
        }

        _executables = executables.ToImmutableSortedDictionary(StringComparer.Ordinal);
    }

    /// <summary>The program of a name, where the tenant may start it; one that it may not is none.</summary>
    internal ShellExecutable? Find(string name, Format.TenantId tenant) =>
        _executables.TryGetValue(name, out var executable) && (executable.Tenants.Contains("*") || executable.Tenants.Contains(tenant.Value, StringComparer.Ordinal)) ? executable : null;

    private static string TargetOf(string path) => File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path : path;
}
