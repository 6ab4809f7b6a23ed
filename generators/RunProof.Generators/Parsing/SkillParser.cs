using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace RunProof.Generators;

/// <summary>From a class or method with <c>[Skill]</c> to a model, or to what is wrong with it.</summary>
internal sealed class SkillParser
{
    private const string Generic = "it is generic, and nothing says of what: declare one for each type argument";

    private readonly ISymbol _symbol;
    private readonly string _name;
    private readonly Compilation _compilation;
    private readonly Diagnosing _diagnosing;
    private readonly CancellationToken _cancel;
    private readonly Shapes? _shapes;

    private SkillParser(ISymbol symbol, string name, Compilation compilation, Diagnosing diagnosing, CancellationToken cancel, Shapes? shapes)
    {
        _symbol = symbol;
        _name = name;
        _compilation = compilation;
        _diagnosing = diagnosing;
        _cancel = cancel;
        _shapes = shapes;
    }

    private Location? Place => _symbol.Place(Symbols.Skill);

    /// <summary>The model; null where something is wrong, which <paramref name="diagnosing"/> then has, or half-typed, which is the compiler's to report.</summary>
    public static SkillModel? Parse(ISymbol symbol, AttributeData attribute, Compilation compilation, Diagnosing diagnosing, CancellationToken cancel, Shapes? shapes = null)
    {
        // What else has the attribute, or has it without a name, is half-typed.
        if (attribute.Argument(0) is not { } name || symbol is not (INamedTypeSymbol { TypeKind: TypeKind.Class } or IMethodSymbol { MethodKind: MethodKind.Ordinary }))
            return null;
        var model = new SkillParser(symbol, name, compilation, diagnosing, cancel, shapes).Model(attribute);
        return diagnosing.Any ? null : model;
    }

    /// <summary>Where a skill is declared, for people.</summary>
    public static string DeclaredAt(ISymbol symbol) => symbol.ToDisplayString(SymbolDisplayFormat.CSharpErrorMessageFormat).Split('(')[0];

    private SkillModel? Model(AttributeData attribute)
    {
        var version = attribute.Named("Version") ?? "1.0.0";
        CheckWords(version);
        if (_diagnosing.Any || FindMethod() is not { } method || !HasShape(method) || Result(method) is not { } result)
            return null;
        var parameters = Record(method.Parameters[0].Type, "parameters", Syntax(method)?.ParameterList.Parameters.FirstOrDefault()?.Type);
        var outcome = Record(result.Outcome, "outcome", Syntax(method)?.ReturnType);
        if (parameters is null || outcome is null)
            return null;
        return new SkillModel(
            _name, version, DocText.Of(_symbol, _cancel).Summary ?? DocText.Of(method, _cancel).Summary ?? "", Replay(attribute), IsIdempotent(attribute),
            SaidBy("IRepeatable", method.Parameters[0].Type), SaidBy("ILimited", method.Parameters[0].Type), DeclaredAt(_symbol) + ", " + _compilation.AssemblyName,
            method.IsStatic ? null : ((INamedTypeSymbol)_symbol).FullName(),
            method.IsStatic ? method.ContainingType.FullName() + "." + Symbols.Escaped(method.Name) : method.Name,
            method.Parameters[0].Type.FullName(), result.Outcome.FullName(), result.Form,
            LockSkill.Of(_name, version, parameters[0].Entry.Fingerprint, outcome[0].Entry.Fingerprint), parameters[0].Entry.Label, outcome[0].Entry.Label,
            parameters.Concat(outcome).Distinct().ToEquatable());
    }

    private void CheckWords(string version)
    {
        var named = _name.Length is >= 1 and <= 128 && IsLetterOrDigit(_name[0]) && _name.All(static c => IsLetterOrDigit(c) || c is '.' or '_' or '-' or ':' or '/');
        if (!named)
            _diagnosing.Report(Rules.BadSkillName, Place, _name, "name", _symbol.Name, "1 to 128 of A-Z a-z 0-9 . _ - : / beginning with a letter or digit");
        if (!Symbols.IsWord(version))
            _diagnosing.Report(Rules.BadSkillName, Place, version, "version", _symbol.Name, "1 to 128 printable ASCII characters without space");
    }

    private IMethodSymbol? FindMethod() => _symbol is IMethodSymbol method ? StaticMethod(method) : ClassMethod((INamedTypeSymbol)_symbol);

    private IMethodSymbol? StaticMethod(IMethodSymbol method)
    {
        var problem = method switch
        {
            { IsStatic: false } => "it is a method and not static: make it static, or put [Skill] on its class",
            { IsGenericMethod: true } => Generic,
            _ => ProblemOfReach(method),
        };
        if (problem is not null)
            _diagnosing.Report(Rules.SkillShape, Place, method.Name, problem);
        return problem is null ? method : null;
    }

    private IMethodSymbol? ClassMethod(INamedTypeSymbol type)
    {
        var problem = type switch
        {
            { IsStatic: true } => "it is a static class: put [Skill] on its method",
            { IsAbstract: true } => "it is abstract, and nothing can make it: put [Skill] on a class that derives from it",
            { TypeParameters.Length: > 0 } => Generic,
            _ => type.IsPartial(_cancel) ? ProblemOfReach(type) : "it is not partial: declare it 'partial class'",
        };
        if (problem is null)
            return OnlyExecuteAsync(type);
        _diagnosing.Report(Rules.SkillShape, Place, type.Name, problem);
        return null;
    }

    private static string? ProblemOfReach(ISymbol symbol)
    {
        if (symbol.Containers().Any(static outer => outer.IsGenericType))
            return "it is inside a generic type: move it out";
        return symbol.IsSeenInAssembly() ? null : "its descriptor cannot reach it: make it, and what it is in, at least internal";
    }

    private IMethodSymbol? OnlyExecuteAsync(INamedTypeSymbol type)
    {
        for (var declaring = type; declaring is not null; declaring = declaring.BaseType)
        {
            var methods = declaring.GetMembers("ExecuteAsync").OfType<IMethodSymbol>().Where(static method => method.DeclaredAccessibility == Accessibility.Public).ToList();
            if (methods.Count > 1)
                _diagnosing.Report(Rules.SkillMethod, Place, type.Name, Needs(), "it has several");
            else if (methods.Count == 1 && methods[0] is { IsStatic: false, IsGenericMethod: false })
                return methods[0];
            else if (methods.Count == 1)
                _diagnosing.Report(Rules.SkillMethod, Place, type.Name, Needs(), "it is static or generic");
            if (methods.Count > 0)
                return null;
        }

        _diagnosing.Report(Rules.SkillMethod, Place, type.Name, Needs(), "it has none");
        return null;
    }

    private bool HasShape(IMethodSymbol method)
    {
        var parameters = method.Parameters;
        var fits = parameters.Length == 3
            && parameters.All(static parameter => parameter.RefKind == RefKind.None)
            && parameters[1].Type is INamedTypeSymbol { IsGenericType: false } context && context.IsNamed("RunProof.Skills.SkillContext")
            && parameters[2].Type is INamedTypeSymbol { IsGenericType: false } token && token.IsNamed("System.Threading.CancellationToken");
        if (!fits)
            _diagnosing.Report(Rules.SkillMethod, Own(method.Locations.FirstOrDefault()), _symbol.Name, Needs(), "its parameters are others");
        return fits;
    }

    private string Needs() => (_symbol is IMethodSymbol ? "the parameters " : "one public method ExecuteAsync") + "(TParameters, SkillContext, CancellationToken)";

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
            _diagnosing.Report(Rules.SkillReturn, Own(Syntax(method)?.ReturnType.GetLocation()), _symbol.Name, method.ReturnType.ShortName());
        return null;
    }

    /// <summary>A record and what it holds; null where it is none. What is wrong inside the record is told at the record.</summary>
    private DeclaredShape[]? Record(ITypeSymbol type, string what, TypeSyntax? at)
    {
        if (type.TypeKind == TypeKind.Error)
            return null;
        if (type is not INamedTypeSymbol record || record.Attribute(Symbols.Canonical) is null)
            return Refuse(type, what, at, "is no [Canonical] record: a step's evidence needs its canonical bytes");
        var records = new RecordParser(_compilation, new Diagnosing(), _cancel, _shapes);
        if (records.IsOfThisAssembly(record) && !record.IsSeenInAssembly())
            return Refuse(type, what, at, "cannot be reached by its descriptor: make it, and what it is in, at least internal");
        if (!records.CanBind(record))
            return Refuse(type, what, at, $"cannot be given as JSON: assembly '{record.ContainingAssembly.Name}' was built without RunProof.Skills; reference it there");
        var shape = records.Parse(record);
        return shape is null ? null : DeclaredShape.Within(shape).Select(each => each with { IsForeign = !records.IsOfThisAssembly(record) }).ToArray();
    }

    private DeclaredShape[]? Refuse(ITypeSymbol type, string what, TypeSyntax? at, string why)
    {
        _diagnosing.Report(Rules.SkillRecord, Own(at?.GetLocation()), FixProperties.Of((FixProperties.Type, type.FullName())), type.ShortName(), what, _name, why);
        return null;
    }

    private MethodDeclarationSyntax? Syntax(IMethodSymbol method) => method.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax(_cancel) as MethodDeclarationSyntax;

    /// <summary>A place, where it lies in the skill's declaration: a method that it inherits does not.</summary>
    private Location? Own(Location? place) => place is not null && _symbol.Declares(place) ? place : Place;

    private static string Replay(AttributeData attribute)
    {
        var given = attribute.NamedArguments.FirstOrDefault(static argument => argument.Key == "Replay").Value;
        var field = given.Kind == TypedConstantKind.Enum
            ? given.Type!.GetMembers().OfType<IFieldSymbol>().FirstOrDefault(field => Equals(field.ConstantValue, given.Value))
            : null;
        return "global::RunProof.Format.ReplayBehavior." + (field?.Name ?? "Execute");
    }

    private static bool IsIdempotent(AttributeData attribute) =>
        attribute.NamedArguments.FirstOrDefault(static argument => argument.Key == "Idempotent").Value is { Value: true };

    private string? SaidBy(string port, ITypeSymbol parameters) =>
        _symbol is INamedTypeSymbol type && type.AllInterfaces.Any(each =>
            each.DefinitionName() == "RunProof.Skills." + port && SymbolEqualityComparer.Default.Equals(each.TypeArguments[0], parameters)) ? type.FullName() : null;

    private static bool IsLetterOrDigit(char c) => c is (>= '0' and <= '9') or (>= 'a' and <= 'z') or (>= 'A' and <= 'Z');
}
