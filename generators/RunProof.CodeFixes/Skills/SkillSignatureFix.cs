using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>RP0402: gives a skill's method the parameters that are missing, or makes it public or of its instance.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(SkillSignatureFix)), Shared]
public sealed class SkillSignatureFix : RemedyProvider
{
    private const string Context = "global::RunProof.Skills.SkillContext";
    private const string Token = "global::System.Threading.CancellationToken";

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [Rules.SkillMethod.Id];

    private protected override IEnumerable<Remedy> Remedies(Fault fault)
    {
        var remedy = SkillSyntax.Of(fault) switch
        {
            { Method: { IsOverride: false, IsStatic: true } method, Declaration: TypeDeclarationSyntax } => Unmodify(fault, method),
            { Method: { IsOverride: false } method } => Complete(fault, method),
            { Method: null, Declaration: ClassDeclarationSyntax declaration } => Publish(fault, declaration),
            _ => null,
        };
        if (remedy is not null)
            yield return remedy;
    }

    private static Remedy? Complete(Fault fault, IMethodSymbol method)
    {
        if (Declaration(fault, method) is not { } declaration || declaration.ParameterList.ContainsDiagnostics)
            return null;
        var parts = Parts.Of(declaration.ParameterList, method);
        if (parts is null || (parts.Context is not null && parts.Token is not null && parts.IsInOrder && !parts.IsPassedByReference))
            return null;
        return new Remedy("Make it ExecuteAsync(parameters, SkillContext, CancellationToken)".Replace("ExecuteAsync", method.Name), "RunProof.RP0402.parameters", [Edit(declaration, parts)]);
    }

    /// <summary>What is there stays where it is, unless it is in another order.</summary>
    private static Edit Edit(MethodDeclarationSyntax declaration, Parts parts)
    {
        var context = parts.Context?.ToString() ?? Context + " " + Free(declaration, "context");
        var token = parts.Token?.ToString() ?? Token + " " + Free(declaration, "cancellationToken");
        if (!parts.IsInOrder || parts.IsPassedByReference || (parts.Context is not null && parts.Token is not null))
            return CodeFixes.Edit.Replace(declaration.ParameterList, $"({parts.Parameters.WithModifiers(default).ToString().Trim()}, {context}, {token})", holdsNames: true);
        var after = parts.Context ?? parts.Parameters;
        var missing = (parts.Context is null ? ", " + context : "") + (parts.Token is null ? ", " + token : "");
        return CodeFixes.Edit.Insert(declaration.SyntaxTree, after.Span.End, missing, holdsNames: true);
    }

    private static string Free(MethodDeclarationSyntax declaration, string name)
    {
        var taken = new HashSet<string>(declaration.DescendantTokens().Where(static token => token.IsKind(SyntaxKind.IdentifierToken)).Select(static token => token.ValueText));
        return taken.Contains(name) ? Free(declaration, "skill" + char.ToUpperInvariant(name[0]) + name.Substring(1)) : name;
    }

    private static Remedy? Unmodify(Fault fault, IMethodSymbol method)
    {
        var modifier = Declaration(fault, method)?.Modifiers.FirstOrDefault(static modifier => modifier.IsKind(SyntaxKind.StaticKeyword)) ?? default;
        return modifier.RawKind == 0 ? null : new Remedy("Make ExecuteAsync an instance method", "RunProof.RP0402.instance", [Remove(modifier)]);
    }

    /// <summary>The one method of that name, where it is hidden and otherwise what it should be.</summary>
    private static Remedy? Publish(Fault fault, ClassDeclarationSyntax skill)
    {
        var methods = skill.Members.OfType<MethodDeclarationSyntax>().Where(static method => method.Identifier.ValueText == "ExecuteAsync").ToList();
        if (methods.Count != 1 || methods[0] is not { ExplicitInterfaceSpecifier: null, TypeParameterList: null, ReturnType.IsMissing: false } method || method.Modifiers.Any(SyntaxKind.OverrideKeyword))
            return null;
        var hiding = method.Modifiers.Where(static modifier => modifier.Kind() is SyntaxKind.PrivateKeyword or SyntaxKind.ProtectedKeyword or SyntaxKind.InternalKeyword).ToList();
        var first = method.Modifiers.Count > 0 ? method.Modifiers[0] : method.ReturnType.GetFirstToken();
        var open = hiding.Count > 0 ? CodeFixes.Edit.Replace(hiding[0], "public") : CodeFixes.Edit.InsertBefore(first, "public ");
        return new Remedy("Make ExecuteAsync public", "RunProof.RP0402.public", hiding.Skip(1).Select(Remove).Prepend(open).ToImmutableArray());
    }

    private static Edit Remove(SyntaxToken modifier) => new(modifier.SyntaxTree!, TextSpan.FromBounds(modifier.SpanStart, modifier.GetNextToken().SpanStart), "");

    private static MethodDeclarationSyntax? Declaration(Fault fault, IMethodSymbol method) =>
        method.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax(fault.Cancel) as MethodDeclarationSyntax;

    /// <summary>The parameters that are there, by what they are.</summary>
    private sealed record Parts(ParameterSyntax Parameters, ParameterSyntax? Context, ParameterSyntax? Token)
    {
        public bool IsInOrder => Parameters.SpanStart < (Context ?? Token)?.SpanStart != false && (Context is null || Token is null || Context.SpanStart < Token.SpanStart);

        public bool IsPassedByReference => Parameters.Modifiers.Count > 0;

        /// <summary>Null where it cannot be told which is which: there must be one that is neither context nor token.</summary>
        public static Parts? Of(ParameterListSyntax list, IMethodSymbol method)
        {
            var all = list.Parameters.Zip(method.Parameters, static (syntax, symbol) => (Syntax: syntax, Type: symbol.Type.FullName())).ToList();
            var contexts = all.Where(static one => one.Type == SkillSignatureFix.Context).Select(static one => one.Syntax).ToList();
            var tokens = all.Where(static one => one.Type == SkillSignatureFix.Token).Select(static one => one.Syntax).ToList();
            var others = all.Select(static one => one.Syntax).Except(contexts).Except(tokens).ToList();
            if (others.Count != 1 || contexts.Count > 1 || tokens.Count > 1 || others[0] is not { Default: null, Type: not null } parameters)
                return null;
            if (contexts.Concat(tokens).Any(static one => one.Modifiers.Count > 0))
                return null;
            return parameters.Modifiers.All(static modifier => modifier.IsKind(SyntaxKind.InKeyword)) ? new Parts(parameters, contexts.FirstOrDefault(), tokens.FirstOrDefault()) : null;
        }
    }
}
