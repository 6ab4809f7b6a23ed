namespace RunProof.Cli;

/// <summary>What the process says to the shell. Scripts rely on these numbers.</summary>
internal static class ExitCode
{
    /// <summary>It was done; a proof is VERIFIED.</summary>
    internal const int Ok = 0;

    /// <summary>It could not be done, or the run that was waited for did not succeed.</summary>
    internal const int Error = 1;

    /// <summary>The command line or an input cannot be read.</summary>
    internal const int Usage = 2;

    /// <summary>The API key is missing, unknown, revoked, or not enough.</summary>
    internal const int NotAuthorized = 3;

    /// <summary>There is no such thing in this tenant.</summary>
    internal const int NotFound = 4;

    /// <summary>A proof is UNSUPPORTED: nothing is wrong, but the evidence is not complete.</summary>
    internal const int Unsupported = 5;

    /// <summary>A proof or a validation FAILED: the evidence does not hold.</summary>
    internal const int Failed = 10;

    /// <summary>Ctrl-C.</summary>
    internal const int Interrupted = 130;
}
