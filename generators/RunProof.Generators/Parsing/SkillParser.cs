using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>From a class or method with <c>[Skill]</c> to a model, or to what is wrong with it.</summary>
internal sealed class SkillParser
{
    private readonly ISymbol _symbol;
    private readonly string _name;
    private readonly Compilation _compilation;
    private readonly Diagnosing _diagnosing = new();
    private readonly CancellationToken _cancel;
    private readonly Location? _location;

    private SkillParser(ISymbol symbol, string name, Compilation compilation, CancellationToken cancel)
    {
        _symbol = symbol;
        _name = name;
        _compilation = compilation;
        _cancel = cancel;
        _location = symbol.Locations.FirstOrDefault();
    }

    private string DeclaredAt => _symbol.ToDisplayString(SymbolDisplayFormat.CSharpErrorMessageFormat).Split('(')[0] + ", " + _compilation.AssemblyName;

    public static ParsedSkill Parse(GeneratorAttributeSyntaxContext context, CancellationToken cancel)
    {
        // A name that is still being typed is the compiler's to report; a second attribute on another part of the class too.
        if (context.Attributes[0].Argument(0) is not { } name || !context.IsFirst(Symbols.Skill))
            return new ParsedSkill(new Parsed<SkillModel>(null, default), null);
        var parser = new SkillParser(context.TargetSymbol, name, context.SemanticModel.Compilation, cancel);
        var model = parser.Model(context.Attributes[0]);
        var place = new SkillPlace(name, parser.DeclaredAt, Diagnosing.Place(parser._location));
        return new ParsedSkill(new Parsed<SkillModel>(parser._diagnosing.Any ? null : model, parser._diagnosing.All), place);
    }

    private SkillModel? Model(AttributeData attribute)
    {
        var version = attribute.Named("Version") ?? "1.0.0";
        CheckWords(version);
        if (_diagnosing.Any || FindMethod() is not { } method || !HasShape(method) || Result(method) is not { } result)
            return null;
        var parameters = Fingerprint(method.Parameters[0].Type, "parameters");
        var outcome = Fingerprint(result.Outcome, "outcome");
        if (parameters is null || outcome is null)
            return null;
        return new SkillModel(
            _name, version, DocText.Summary(_symbol, _cancel) ?? DocText.Summary(method, _cancel) ?? "", Replay(attribute), DeclaredAt,
            method.IsStatic ? null : ((INamedTypeSymbol)_symbol).FullName(),
            method.IsStatic ? method.ContainingType.FullName() + "." + Symbols.Escaped(method.Name) : method.Name,
            method.Parameters[0].Type.FullName(), result.Outcome.FullName(), result.Form,
            CanonicalSchemaText.OfSkill(_name, version, parameters, outcome));
    }

    private void CheckWords(string version)
    {
        var named = _name.Length is >= 1 and <= 128 && IsLetterOrDigit(_name[0]) && _name.All(static c => IsLetterOrDigit(c) || c is '.' or '_' or '-' or ':' or '/');
        if (!named)
            _diagnosing.Report(Rules.BadSkillName, _location, _name, "name", _symbol.Name, "1 to 128 of A-Z a-z 0-9 . _ - : / beginning with a letter or digit");
        if (!Symbols.IsWord(version))
            _diagnosing.Report(Rules.BadSkillName, _location, version, "version", _symbol.Name, "1 to 128 printable ASCII characters without space");
    }

    private IMethodSymbol? FindMethod() => _symbol is IMethodSymbol method ? StaticMethod(method) : ClassMethod((INamedTypeSymbol)_symbol);

    private IMethodSymbol? StaticMethod(IMethodSymbol method)
    {
        var problem = method switch
        {
            { IsStatic: false } => "it is a method and not static: put [Skill] on its class",
            { IsGenericMethod: true } => "it is generic",
            _ => ProblemOfReach(method),
        };
        if (problem is not null)
            _diagnosing.Report(Rules.SkillShape, _location, method.Name, problem);
        return problem is null ? method : null;
    }

    private IMethodSymbol? ClassMethod(INamedTypeSymbol type)
    {
        var problem = type switch
        {
            { IsStatic: true } => "it is a static class: put [Skill] on its method",
            { IsAbstract: true } => "it is abstract",
            { TypeParameters.Length: > 0 } => "it is generic",
            _ => type.IsPartial(_cancel) ? ProblemOfReach(type) : "it is not partial",
        };
        if (problem is null)
            return OnlyExecuteAsync(type);
        _diagnosing.Report(Rules.SkillShape, _location, type.Name, problem);
        return null;
    }

    private static string? ProblemOfReach(ISymbol symbol)
    {
        if (symbol.Containers().Any(static outer => outer.IsGenericType))
            return "it is inside a generic type";
        return symbol.IsSeenInAssembly() ? null : "its descriptor cannot reach it: make it, and what it is in, at least internal";
    }

    private IMethodSymbol? OnlyExecuteAsync(INamedTypeSymbol type)
    {
        for (var declaring = type; declaring is not null; declaring = declaring.BaseType)
        {
            var methods = declaring.GetMembers("ExecuteAsync").OfType<IMethodSymbol>().Where(static method => method.DeclaredAccessibility == Accessibility.Public).ToList();
            if (methods.Count > 1)
                _diagnosing.Report(Rules.SkillMethod, _location, type.Name, "it has several");
            else if (methods.Count == 1 && methods[0] is { IsStatic: false, IsGenericMethod: false })
                return methods[0];
            else if (methods.Count == 1)
                _diagnosing.Report(Rules.SkillMethod, _location, type.Name, "it is static or generic");
            if (methods.Count > 0)
                return null;
        }

        _diagnosing.Report(Rules.SkillMethod, _location, type.Name, "it has none");
        return null;
    }

    private bool HasShape(IMethodSymbol method)
    {
        var parameters = method.Parameters;
        var fits = parameters.Length == 3
            && parameters.All(static parameter => parameter.RefKind == RefKind.None)
            && parameters[1].Type.ToDisplayString(NullableFlowState.NotNull) == "RunProof.Skills.SkillContext"
            && parameters[2].Type.ToDisplayString() == "System.Threading.CancellationToken";
        if (!fits)
            _diagnosing.Report(Rules.SkillMethod, method.Locations.FirstOrDefault() ?? _location, _symbol.Name, "its parameters are others");
        return fits;
    }

    private (INamedTypeSymbol Outcome, ResultForm Form)? Result(IMethodSymbol method)
    {
        if (method.ReturnType is INamedTypeSymbol { TypeArguments.Length: 1 } task
            && task.DefinitionName() is "System.Threading.Tasks.Task" or "System.Threading.Tasks.ValueTask"
            && task.TypeArguments[0] is INamedTypeSymbol { NullableAnnotation: not NullableAnnotation.Annotated } held)
        {
            if (held.DefinitionName() != "RunProof.Skills.SkillResult")
                return (held, held.IsReferenceType ? ResultForm.Reference : ResultForm.Value);
            if (held.TypeArguments.Length == 1 && held.TypeArguments[0] is INamedTypeSymbol outcome)
                return (outcome, ResultForm.SkillResult);
        }

        if (method.ReturnType.TypeKind != TypeKind.Error)
            _diagnosing.Report(Rules.SkillReturn, method.Locations.FirstOrDefault() ?? _location, _symbol.Name, method.ReturnType.ShortName());
        return null;
    }

    /// <summary>The fingerprint of a record; null where there is none. What is wrong inside the record is told at the record.</summary>
    private string? Fingerprint(ITypeSymbol type, string what)
    {
        if (type.TypeKind == TypeKind.Error)
            return null;
        if (type is not INamedTypeSymbol record || record.Attribute(Symbols.Canonical) is null)
        {
            _diagnosing.Report(Rules.SkillRecord, _location, type.ShortName(), what, _name);
            return null;
        }

        if (record.DeclaringSyntaxReferences.Length > 0 && !record.IsSeenInAssembly())
        {
            _diagnosing.Report(Rules.SkillShape, _location, _symbol.Name, $"its descriptor cannot reach '{record.Name}': make it, and what it is in, at least internal");
            return null;
        }

        var records = new RecordParser(_compilation, new Diagnosing(), _cancel);
        if (!records.CanBind(record))
        {
            _diagnosing.Report(Rules.NotBound, _location, _symbol.Name, record.Name);
            return null;
        }

        var shape = records.Parse(record);
        return shape is null ? null : CanonicalSchemaText.Fingerprint(shape);
    }

    private static string Replay(AttributeData attribute)
    {
        var given = attribute.NamedArguments.FirstOrDefault(static argument => argument.Key == "Replay").Value;
        var field = given.Kind == TypedConstantKind.Enum
            ? given.Type!.GetMembers().OfType<IFieldSymbol>().FirstOrDefault(field => Equals(field.ConstantValue, given.Value))
            : null;
        return "global::RunProof.Format.ReplayBehavior." + (field?.Name ?? "Execute");
    }

    private static bool IsLetterOrDigit(char c) => c is (>= '0' and <= '9') or (>= 'a' and <= 'z') or (>= 'A' and <= 'Z');
}
