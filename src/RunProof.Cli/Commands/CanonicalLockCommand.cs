using System.CommandLine;
using RunProof.Generators;

namespace RunProof.Cli;

/// <summary><c>canonical lock</c>: takes the shapes of a project into its <c>canonical.lock.json</c>, or says what speaks against it.</summary>
internal static class CanonicalLockCommand
{
    private static readonly Argument<string> Target = new("PROJECT|FOLDER|DLL")
    {
        DefaultValueFactory = _ => ".",
        Description = "A project, which is built; a folder with one; or a built assembly, which is read and not run.",
    };

    private static readonly Option<bool> Check = new("--check") { Description = "Write nothing; end with 1 where a shape is missing from the lock or has changed." };

    private static readonly Option<string[]> NeverShipped = new("--never-shipped")
    {
        HelpName = "NAME/VERSION",
        Description = "Replace this entry, whose shape no build that recorded anything ever had; again for each.",
    };

    private static readonly Option<string?> Output = new("--output") { HelpName = "FILE", Description = "The lock. Default: canonical.lock.json beside the project; for an assembly there is none." };

    internal static Command Create(World world) =>
        new Command("lock", "Take the canonical shapes of a project into its lock, as shapes that ship.") { Target, Check, NeverShipped, Output }.Does(world, RunAsync);

    private static async Task<Answer> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var neverShipped = invocation.Get(NeverShipped) ?? [];
        if (invocation.Get(Check) && neverShipped.Length > 0)
            throw CommandException.Usage("--check writes nothing, so --never-shipped has nothing to replace", "leave one of them out");
        var source = LockSource.Find(invocation.Get(Target), invocation.Get(Output));
        var text = await LockStore.ReadAsync(source.Lock, cancellationToken);
        var before = LockStore.Parse(text, source.Lock);
        var assembly = source.Project is null
            ? source.Assembly!
            : await invocation.World.Terminal.WhileAsync($"building {Path.GetFileName(source.Project)}", () => ProjectBuild.RunAsync(source.Project, invocation.World, cancellationToken));
        var (records, skills) = AssemblyShapes.Read(assembly);
        var report = new LockReport(source.Lock, before, LockAcceptance.Of(before, records, skills, neverShipped), records.Count + skills.Count);
        var check = invocation.Get(Check);
        if (!check && report.Accepted is { } accepted && LockPrinter.Print(accepted) is var printed && printed != text && report.IsWorthAFile(text))
            await LockStore.WriteAsync(source.Lock, printed, cancellationToken);
        return report.ToAnswer(invocation, check);
    }
}
