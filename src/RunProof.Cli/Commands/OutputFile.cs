namespace RunProof.Cli;

/// <summary>A file that a command leaves behind.</summary>
internal static class OutputFile
{
    /// <summary>Writes or replaces the file in one step: whoever reads it, or pulls the plug, sees what was there or all that is new.</summary>
    /// <exception cref="CommandException">It cannot be written.</exception>
    internal static async Task WriteAsync(string file, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var next = file + ".new";
        try
        {
            await using (var stream = new FileStream(next, FileMode.Create, FileAccess.Write))
            {
                await stream.WriteAsync(bytes, cancellationToken);
                stream.Flush(flushToDisk: true);
            }

            File.Move(next, file, overwrite: true);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.Error, "not_written", $"cannot write {file}: {problem.Message}");
        }
        finally
        {
            // Deleting in a folder that is not there would throw over what is told above.
            if (File.Exists(next))
                File.Delete(next);
        }
    }
}
