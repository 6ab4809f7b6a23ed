using System;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>The lock as a document of a project.</summary>
internal static class LockDocument
{
    // A byte order mark would be a fault of the lock.
    private static readonly Encoding Utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

    /// <summary>The project's lock; an empty one where it has none; null where the file cannot be read, which must be put right first.</summary>
    public static LockFile? Read(Project project, CancellationToken cancel)
    {
        var folder = LockInput.Options(project.AnalyzerOptions.AnalyzerConfigOptionsProvider.GlobalOptions).Folder;
        return LockInput.Find(project.AnalyzerOptions.AdditionalFiles, folder) is { } file ? LockInput.Read(file, cancel).File : LockFile.Empty;
    }

    /// <summary>The solution with another lock in one project; the file is made where there is none, beside the project's.</summary>
    public static Solution Write(Project project, LockFile file)
    {
        var text = SourceText.From(LockPrinter.Print(file), Utf8);
        if (Find(project) is { } document)
            return project.Solution.WithAdditionalDocumentText(document.Id, text);
        var path = Path.GetDirectoryName(project.FilePath) is { Length: > 0 } folder ? Path.Combine(folder, LockFile.FileName) : null;
        return project.Solution.AddAdditionalDocument(DocumentId.CreateNewId(project.Id), LockFile.FileName, text, filePath: path);
    }

    private static TextDocument? Find(Project project)
    {
        var folder = LockInput.Options(project.AnalyzerOptions.AnalyzerConfigOptionsProvider.GlobalOptions).Folder;
        var path = LockInput.Find(project.AnalyzerOptions.AdditionalFiles, folder)?.Path;
        return path is null ? null : project.AdditionalDocuments.FirstOrDefault(document => string.Equals(document.FilePath ?? document.Name, path, StringComparison.Ordinal));
    }
}
