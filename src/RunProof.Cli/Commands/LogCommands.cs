using System.CommandLine;

namespace RunProof.Cli;

/// <summary><c>log</c>: the tenants' transparency logs.</summary>
internal static class LogCommands
{
    internal static Command Create(World world) => new("log", "The tenants' transparency logs.")
    {
        LogAuditCommand.Create(world),
        LogFsckCommand.Create(world),
        LogQuarantineCommands.CreateQuarantine(world),
        LogQuarantineCommands.CreateRequeue(world),
        TlogCommands.Create(world),
    };
}
