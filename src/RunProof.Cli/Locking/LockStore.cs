using System.Globalization;
using System.Text;
using RunProof.Generators;

namespace RunProof.Cli;

/// <summary>The lock on disk.</summary>
internal static class LockStore
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Its text; null where there is none yet.</summary>
    /// <exception cref="CommandException">It is there and cannot be read.</exception>
    internal static async Task<string?> ReadAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            return File.Exists(file) ? Strict.GetString(await File.ReadAllBytesAsync(file, cancellationToken)) : null;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            throw CommandException.Usage($"cannot read {file}: {problem.Message}");
        }
    }

    /// <summary>The lock that a text is.</summary>
    /// <exception cref="CommandException">It is none; every line that is wrong is named.</exception>
    internal static LockFile Parse(string? text, string file)
    {
        if (text is null)
            return LockFile.Empty;
        var reading = LockReading.Of(text);
        return reading.File ?? throw CommandException.Usage(
            $"{file} is no lock that can be relied on: {string.Join("; ", reading.Faults.Select(fault => string.Create(CultureInfo.InvariantCulture, $"line {fault.Line}: {fault.Message}")))}",
            "restore it from version control: what has shipped cannot be worked out again from the sources");
    }

    /// <summary>Replaces the file in one step: whoever reads it, or pulls the plug, sees the old lock or the new one.</summary>
    /// <exception cref="CommandException">It cannot be written.</exception>
    internal static Task WriteAsync(string file, string text, CancellationToken cancellationToken) => OutputFile.WriteAsync(file, Strict.GetBytes(text), cancellationToken);
}
