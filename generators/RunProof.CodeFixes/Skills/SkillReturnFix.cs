using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>RP0403: a skill that returns its outcome itself returns a task of it.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(SkillReturnFix)), Shared]
public sealed class SkillReturnFix : RemedyProvider
{
    private const string Task = "global::System.Threading.Tasks.Task";

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [Rules.SkillReturn.Id];

    private protected override IEnumerable<Remedy> Remedies(Fault fault)
    {
        if (SkillSyntax.Of(fault)?.Method is not { IsOverride: false, ReturnsVoid: false, RefKind: RefKind.None } method || method.DeclaringSyntaxReferences.FirstOrDefault() is not { } declared)
            yield break;
        if (declared.GetSyntax(fault.Cancel) is not MethodDeclarationSyntax { ReturnType.IsMissing: false } declaration || !IsOutcome(method.ReturnType))
            yield break;
        var written = declaration.ReturnType.ToString();
        var edits = Returned(declaration).Select(value => FromResult(fault, value, method.ReturnType, written))
            .Prepend(Edit.Replace(declaration.ReturnType, $"{Task}<{written}>", holdsNames: true));
        yield return new Remedy($"Return 'Task<{written}>'", "RunProof.RP0403", edits.ToImmutableArray());
    }

    /// <summary>A canonical record, or the result of one; what else is returned would be no outcome in a task either.</summary>
    private static bool IsOutcome(ITypeSymbol type) =>
        type.NullableAnnotation != NullableAnnotation.Annotated && SkillSyntax.OfResult(type) is INamedTypeSymbol outcome && outcome.Attribute(Symbols.Canonical) is not null;

    /// <summary>What the method itself returns, and no function in it; of an async method nothing needs to change.</summary>
    private static IEnumerable<ExpressionSyntax> Returned(MethodDeclarationSyntax method)
    {
        if (method.Modifiers.Any(SyntaxKind.AsyncKeyword))
            return [];
        var found = method.ExpressionBody is { } arrow
            ? [arrow.Expression]
            : method.Body?.DescendantNodes(static node => node is not (AnonymousFunctionExpressionSyntax or LocalFunctionStatementSyntax))
                .OfType<ReturnStatementSyntax>().Select(static statement => statement.Expression).OfType<ExpressionSyntax>() ?? [];
        return found.Where(static value => !value.IsMissing && value is not ThrowExpressionSyntax);
    }

    private static Edit FromResult(Fault fault, ExpressionSyntax value, ITypeSymbol type, string written)
    {
        var own = fault.ModelOf(value.SyntaxTree).GetTypeInfo(value, fault.Cancel).Type;
        // What has a type only by what it is assigned to, or is converted, must be told which.
        var isNamed = SymbolEqualityComparer.Default.Equals(own, type)
            && value is not (PostfixUnaryExpressionSyntax or ConditionalExpressionSyntax or SwitchExpressionSyntax or ImplicitObjectCreationExpressionSyntax);
        return Edit.Replace(value, $"{Task}.FromResult{(isNamed ? "" : $"<{written}>")}({value.ToString()})", holdsNames: true);
    }
}
