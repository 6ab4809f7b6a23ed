using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace RunProof.Generators;

/// <summary>Tells where the code and <c>canonical.lock.json</c> part: RP03xx.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class LockAnalyzer : DiagnosticAnalyzer
{
    private static readonly SourceTextValueProvider<LockReading> Reading = new(static text => LockInput.Read(text));

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => Rules.OfLock;

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterCompilationStartAction(static start =>
        {
            var (mode, _, folder) = LockInput.Options(start.Options.AnalyzerConfigOptionsProvider.GlobalOptions);
            if (mode != LockMode.Check || start.Compilation.GetTypesByMetadataName(Symbols.Canonical).IsEmpty)
                return;
            var file = LockInput.Find(start.Options.AdditionalFiles, folder);
            // The compiler keeps what was read with the text: it is parsed again when it changes, and not at every keystroke elsewhere.
            var text = file?.GetText(start.CancellationToken);
            var reading = text is not null && start.TryGetValue(text, Reading, out var read) ? read : LockReading.Failed("it could not be opened");
            if (file is null)
                TellMissing(start);
            else if (reading.File is { } locked)
                Compare(start, locked);
            else
                TellFaults(start, file, reading);
        });
    }

    private static void TellFaults(CompilationStartAnalysisContext start, AdditionalText file, LockReading reading) => start.RegisterAdditionalFileAction(context =>
    {
        if (context.AdditionalFile.Path != file.Path)
            return;
        foreach (var fault in reading.Faults)
            context.ReportDiagnostic(Diagnostic.Create(Rules.Of(fault), Place(file, fault, context.CancellationToken), Rules.Line(fault), fault.Message));
    });

    private static Location Place(AdditionalText file, LockFault fault, CancellationToken cancel)
    {
        if (file.GetText(cancel) is not { } text)
            return Location.Create(file.Path, default, default);
        var begin = Math.Min(fault.Offset, text.Length);
        var span = TextSpan.FromBounds(begin, Math.Min(begin + fault.Length, text.Length));
        return Location.Create(file.Path, span, text.Lines.GetLinePositionSpan(span));
    }

    private static void TellMissing(CompilationStartAnalysisContext start)
    {
        var places = new ConcurrentBag<Location>();
        start.RegisterSymbolAction(
            context =>
            {
                if (context.Symbol.Attribute(Symbols.Canonical) is not null && context.Symbol.Place(Symbols.Canonical) is { } place)
                    places.Add(place);
            },
            SymbolKind.NamedType);
        start.RegisterCompilationEndAction(context =>
        {
            // Once, at the first in an order that no thread decides.
            if (places.OrderBy(static place => place.SourceTree?.FilePath, StringComparer.Ordinal).ThenBy(static place => place.SourceSpan.Start).FirstOrDefault() is { } first)
                context.ReportDiagnostic(Diagnostic.Create(Rules.NoLock, first));
        });
    }

    private static void Compare(CompilationStartAnalysisContext start, LockFile locked)
    {
        start.RegisterSymbolAction(context => LockComparer.OfRecord(context, locked), SymbolKind.NamedType);
        start.RegisterSymbolAction(context => LockComparer.OfSkill(context, locked), SymbolKind.NamedType, SymbolKind.Method);
    }
}
