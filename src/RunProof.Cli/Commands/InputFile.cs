using System.Globalization;

namespace RunProof.Cli;

/// <summary>A file that a person named; <c>-</c> is standard input.</summary>
internal static class InputFile
{
    /// <summary>Bytes that an input may have where nothing else is said.</summary>
    internal const int DefaultLimit = 512 << 20;

    /// <summary>Reads it whole.</summary>
    /// <param name="file">Its path, or <c>-</c>.</param>
    /// <param name="world">Standard input.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="limit">Bytes that it may have: a device or a pipe may never end.</param>
    /// <exception cref="CommandException">It cannot be read, or is longer.</exception>
    internal static async Task<byte[]> ReadAsync(string file, World world, CancellationToken cancellationToken, int limit = DefaultLimit)
    {
        if (file != "-" && Directory.Exists(file))
            throw CommandException.Usage($"cannot read {file}: it is a folder");
        try
        {
            if (file == "-")
                return await ReadAsync(world.Input, file, limit, cancellationToken);
            await using var content = new FileStream(file, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.ReadWrite | FileShare.Delete, Options = FileOptions.SequentialScan });
            return await ReadAsync(content, file, limit, cancellationToken);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw CommandException.Usage($"cannot read {file}: {problem.Message}");
        }
    }

    private static async Task<byte[]> ReadAsync(Stream content, string file, int limit, CancellationToken cancellationToken)
    {
        var read = new MemoryStream(content.CanSeek ? (int)Math.Min(content.Length, limit) : 0);
        var buffer = new byte[81920];
        for (int count; (count = await content.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            if (read.Length + count > limit)
                throw CommandException.Usage(string.Create(CultureInfo.InvariantCulture, $"cannot read {file}: it is longer than {limit} bytes, and nothing of its kind is"));
            await read.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
        }

        return read.ToArray();
    }
}
