using System.Runtime.Loader;

#pragma warning disable CA1050, MA0047 // The runtime looks for this very name, in no namespace.

/// <summary>Loads these tests into a runner's process: the runner's own list of assemblies names neither them nor what they use.</summary>
internal static class StartupHook
{
    public static void Initialize() => AssemblyLoadContext.Default.Resolving += static (context, name) =>
        Path.Combine(AppContext.BaseDirectory, name.Name + ".dll") is var path && File.Exists(path) ? context.LoadFromAssemblyPath(path) : null;
}
