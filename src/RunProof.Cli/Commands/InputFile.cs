namespace RunProof.Cli;

/// <summary>A file that a person named; <c>-</c> is standard input.</summary>
internal static class InputFile
{
    /// <summary>Reads it whole.</summary>
    /// <param name="file">Its path, or <c>-</c>.</param>
    /// <param name="world">Standard input.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="CommandException">It cannot be read.</exception>
    internal static async Task<byte[]> ReadAsync(string file, World world, CancellationToken cancellationToken)
    {
        try
        {
            if (file != "-")
                return await File.ReadAllBytesAsync(file, cancellationToken);
            using var content = new MemoryStream();
            await world.Input.CopyToAsync(content, cancellationToken);
            return content.ToArray();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"cannot read {file}: {problem.Message}");
        }
    }
}
