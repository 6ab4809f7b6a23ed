using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace RunProof.Generators;

/// <summary>What the property RunProofCanonicalLock asks for.</summary>
internal enum LockMode
{
    /// <summary>Drift is told, history written: the default.</summary>
    Check,

    /// <summary>Neither.</summary>
    Off,

    /// <summary>History is written; drift is accepted by who builds, and not told.</summary>
    Accept,
}

/// <summary>The lock of a compilation.</summary>
/// <param name="Mode">What is asked for.</param>
/// <param name="IsToldByGenerator">Whether analyzers are off, so that drift would go untold.</param>
/// <param name="Reading">What came of the file; null where there is none.</param>
internal sealed record LockInput(LockMode Mode, bool IsToldByGenerator, LockReading? Reading)
{
    /// <summary>The lock, where it is there, whole, and asked for.</summary>
    public LockFile? File => Mode == LockMode.Off ? null : Reading?.File;

    public static IncrementalValueProvider<LockInput> Of(IncrementalGeneratorInitializationContext context)
    {
        var options = context.AnalyzerConfigOptionsProvider.Select(static (options, _) => Options(options.GlobalOptions));
        // Parsed by itself, so that an edit of any other file does not parse it again.
        var files = context.AdditionalTextsProvider
            .Where(static file => IsLock(file))
            .Select(static (file, cancel) => (file.Path, Reading: Read(file, cancel)))
            .Collect();
        return files.Combine(options).Select(static (pair, _) =>
            new LockInput(pair.Right.Mode, pair.Right.IsToldByGenerator, First(pair.Left, static file => file.Path, pair.Right.Folder).Reading));
    }

    public static (LockMode Mode, bool IsToldByGenerator, string Folder) Options(AnalyzerConfigOptions options)
    {
        var mode = Property(options, "RunProofCanonicalLock").ToLowerInvariant() switch
        {
            "off" => LockMode.Off,
            "accept" => LockMode.Accept,
            _ => LockMode.Check,
        };
        return (mode, IsFalse(Property(options, "RunAnalyzers")) || IsFalse(Property(options, "RunAnalyzersDuringBuild")), Property(options, "ProjectDir"));
    }

    public static AdditionalText? Find(ImmutableArray<AdditionalText> files, string folder) => First(files.Where(IsLock), static file => file.Path, folder);

    public static LockReading Read(AdditionalText file, CancellationToken cancel) => file.GetText(cancel) is { } text ? Read(text) : LockReading.Failed("it could not be opened");

    public static LockReading Read(SourceText text)
    {
        if (text.Length > LockReading.MaxLength)
            return LockReading.TooLong(text.Length);
        // The compiler has taken the mark off the text, but other readers of the file have not.
        var isMarked = text.Encoding?.GetPreamble().Length > 0;
        return LockReading.Of((isMarked ? "\ufeff" : "") + text);
    }

    private static bool IsLock(AdditionalText file) => string.Equals(Path.GetFileName(file.Path), LockFile.FileName, StringComparison.OrdinalIgnoreCase);

    /// <summary>The one beside the project; where none is, the first by its path.</summary>
    private static T? First<T>(IEnumerable<T> files, Func<T, string> path, string folder) => files
        .OrderBy(file => string.Equals(Path.GetDirectoryName(path(file)), folder.TrimEnd('/', '\\'), StringComparison.Ordinal) ? 0 : 1)
        .ThenBy(path, StringComparer.Ordinal)
        .FirstOrDefault();

    private static string Property(AnalyzerConfigOptions options, string name) => options.TryGetValue("build_property." + name, out var value) ? value.Trim() : "";

    private static bool IsFalse(string value) => string.Equals(value, "false", StringComparison.OrdinalIgnoreCase);
}
