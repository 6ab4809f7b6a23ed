using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using RunProof.CodeFixes.Tests.Driving;

namespace RunProof.CodeFixes.Tests;

/// <summary>Every provider over every source of the diagnostics' own tests.</summary>
public sealed class CorpusTests
{
    /// <summary>Whatever is offered anywhere does away with what it is offered for.</summary>
    [Fact]
    public async Task Every_fix_that_is_offered_helps()
    {
        Assert.True(Corpus.Sources.Count > 100);
        var taken = 0;
        foreach (var source in Corpus.Sources)
        {
            var project = Scene.Of((Fixed.File, Corpus.Usings + source));
            var faults = await Scene.Faults(project);
            foreach (var fault in faults)
            {
                foreach (var (_, action) in await Offer.For(project, fault))
                {
                    var after = await Scene.Faults(await Offer.Take(project, action));
                    Assert.True(Count(after, fault) < Count(faults, fault), $"{fault.Id}: \"{action.Title}\" does not help in: {source}");
                    taken++;
                }
            }
        }

        Assert.True(taken > 40, $"only {taken} fixes were offered");

        static int Count(IEnumerable<Diagnostic> faults, Diagnostic fault) => faults.Count(other => other.Id == fault.Id);
    }

    /// <summary>A diagnostic may be older than the text that it is shown in: at any word of any source, whole or cut off, no provider fails.</summary>
    [Fact]
    public async Task No_provider_fails_at_any_place_of_any_source()
    {
        var properties = ImmutableDictionary<string, string?>.Empty.Add("Member", "X").Add("Type", "int").Add("Replacement", "global::System.Guid").Add("WireName", "free").Add("FreeName", "free")
            .Add("Container", "A").Add("Declare", "init");
        var asked = 0;
        foreach (var source in Corpus.Sources.Where(static (_, at) => at % 3 == 0).SelectMany(static source => new[] { source, source[..(source.Length / 2)], source[..(source.Length * 4 / 5)] }))
        {
            var document = Scene.Of((Fixed.File, Corpus.Usings + source)).Documents.Single(static document => document.Name == Fixed.File);
            var root = (await document.GetSyntaxRootAsync())!;
            foreach (var place in root.DescendantTokens().Where(token => token.SpanStart >= Corpus.Usings.Length && (token.IsKind(SyntaxKind.IdentifierToken) || token.IsMissing)).Where(static (_, at) => at % 2 == 0))
            {
                foreach (var provider in Scene.Providers)
                {
                    foreach (var id in provider.FixableDiagnosticIds)
                    {
                        var rule = new DiagnosticDescriptor(id, id, id, "RunProof", DiagnosticSeverity.Error, true);
                        var diagnostic = Diagnostic.Create(rule, place.GetLocation(), properties);
                        await provider.RegisterCodeFixesAsync(new CodeFixContext(document, diagnostic, static (_, _) => { }, CancellationToken.None));
                        asked++;
                    }
                }
            }
        }

        Assert.True(asked > 5000, $"only {asked} places were asked about");
    }

    [Fact]
    public void Every_provider_is_found_by_an_editor_and_fixes_all_but_names_at_once()
    {
        Assert.NotEmpty(Scene.Providers);
        Assert.All(Scene.Providers, static provider =>
        {
            // Names are given one at a time.
            Assert.Equal(provider is FreeNameFix or WireNameFix, provider.GetFixAllProvider() is null);
            Assert.True(Attribute.IsDefined(provider.GetType(), typeof(System.Composition.SharedAttribute)));
            Assert.Equal(provider.GetType().Name, ((ExportCodeFixProviderAttribute)Attribute.GetCustomAttribute(provider.GetType(), typeof(ExportCodeFixProviderAttribute))!).Name);
        });
        // Two ways on from what has shipped, one of all else.
        foreach (var (id, providers) in Scene.Providers.SelectMany(static provider => provider.FixableDiagnosticIds).CountBy(static id => id))
            Assert.Equal(id is "RP0301" or "RP0302" or "RP0303" or "RP0304" or "RP0305" or "RP0306" ? 2 : 1, providers);
    }

    /// <summary>The page says at each rule whether there is a fix, and in one table what it does.</summary>
    [Fact]
    public void The_page_of_diagnostics_tells_of_every_fix()
    {
        var page = File.ReadAllText(Path.Combine(Corpus.Root, "generators", "RunProof.Generators", "DIAGNOSTICS.md")).ReplaceLineEndings("\n");
        var fixable = Scene.Providers.SelectMany(static provider => provider.FixableDiagnosticIds).Distinct().Order(StringComparer.Ordinal).ToList();
        var marked = Regex.Matches(page, "### (RP[0-9]{4})\n\n[^\n]* with (a|two) code fix").Select(static match => match.Groups[1].Value).Order(StringComparer.Ordinal);
        Assert.Equal(fixable, marked);
        var table = page[page.IndexOf("## Code fixes", StringComparison.Ordinal)..];
        Assert.Equal(fixable, Regex.Matches(table, "^\\| (RP[0-9]{4}) \\|", RegexOptions.Multiline).Select(static match => match.Groups[1].Value));
    }
}
