using System.CommandLine;

namespace RunProof.Cli;

/// <summary>All commands: noun, verb.</summary>
internal static class CommandTree
{
    /// <summary>Builds the tree.</summary>
    /// <param name="world">The world.</param>
    internal static RootCommand Create(World world)
    {
        var root = new RootCommand("RunProof: runs whose evidence can be proved.")
        {
            RunCommands.Create(world),
            ScheduleCommands.Create(world),
            AgentCommands.Create(world),
            SkillCommands.Create(world),
            PolicyCommands.Create(world),
            ApprovalCommands.Create(world),
            BudgetCommands.Create(world),
            KillCommands.Create(world),
            KeyCommands.Create(world),
            DatabaseCommands.Create(world),
            ValidateCommand.Create(world),
            DoctorCommand.Create(world),
            CanonicalCommand.Create(world),
            LogCommands.Create(world),
            VerifyCommand.Create(world),
            WitnessCommands.Create(world),
            AosCommands.Create(world),
        };
        GlobalOptions.AddTo(root);
        return root;
    }
}
