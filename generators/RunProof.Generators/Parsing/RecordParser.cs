using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace RunProof.Generators;

/// <summary>The members of a record, and of the records in it. Faults of nested records are told at those, where their own parse finds them.</summary>
internal sealed class RecordParser(Compilation compilation, Diagnosing diagnosing, CancellationToken cancel, Shapes? shapes = null)
{
    private readonly List<(INamedTypeSymbol Type, IPropertySymbol? Member)> _path = [];
    private readonly Dictionary<INamedTypeSymbol, RecordShape?> _known = new(SymbolEqualityComparer.Default);
    private readonly Dictionary<INamedTypeSymbol, string> _leadsBack = new(SymbolEqualityComparer.Default);
    private readonly HashSet<IPropertySymbol> _ways = new(SymbolEqualityComparer.Default);

    /// <summary>The shape of a record that has <c>[Canonical]</c>; null where something is wrong with it.</summary>
    public RecordShape? Parse(INamedTypeSymbol type)
    {
        cancel.ThrowIfCancellationRequested();
        if (_known.TryGetValue(type, out var known))
        {
            if (known is null && _leadsBack.TryGetValue(type, out var path))
                ReportCycle(path);
            return known;
        }

        // The outermost is parsed even so: its own faults are told nowhere else.
        if (_path.Count > 0 && shapes?.Of(type) is { } shared)
            return shared;
        _path.Add((type, null));
        var shape = ParseNew(type);
        _path.RemoveAt(_path.Count - 1);
        if (shape is not null)
            shapes?.Add(type, shape);
        return _known[type] = shape;
    }

    /// <summary>Whether the record is being parsed already, further out. Where that is the outermost, the cycle is told, at the member of it that leads into it.</summary>
    public bool LeadsBack(INamedTypeSymbol type)
    {
        var start = _path.FindIndex(step => SymbolEqualityComparer.Default.Equals(step.Type, type));
        if (start < 0)
            return false;
        if (start > 0)
            return true;
        for (var i = 1; i < _path.Count; i++)
            _leadsBack[_path[i].Type] = string.Join(" → ", _path.Skip(i).Select(Step).Append(type.Name));
        ReportCycle(_path.Count == 1 ? type.Name : _leadsBack[_path[1].Type], 1);
        return true;
    }

    /// <summary>Whether the record is declared here, so that its own parse tells what is wrong with it.</summary>
    public bool IsOfThisAssembly(INamedTypeSymbol type) => SymbolEqualityComparer.Default.Equals(type.ContainingAssembly, compilation.Assembly);

    /// <summary>Whether a binder of this assembly, where it writes any, can bind the record: one of another assembly must bring its own.</summary>
    public bool CanBind(INamedTypeSymbol type) =>
        compilation.GetTypeByMetadataName(Symbols.JsonBound) is not { } bound
        || IsOfThisAssembly(type)
        || type.AllInterfaces.Any(implemented => SymbolEqualityComparer.Default.Equals(implemented.OriginalDefinition, bound));

    /// <summary>Reports a fault of a member's type, unless another record is there to tell it: the one that is nested, or the canonical base that declares the member.</summary>
    public void ReportType(DiagnosticDescriptor rule, IPropertySymbol member, ImmutableDictionary<string, string?> fix, params string[] arguments)
    {
        var isTold = !SymbolEqualityComparer.Default.Equals(member.ContainingType, _path[0].Type) && IsOfThisAssembly(member.ContainingType) && member.ContainingType.Attribute(Symbols.Canonical) is not null;
        if (!isTold)
            Report(rule, member, fix, arguments);
    }

    private void Report(DiagnosticDescriptor rule, IPropertySymbol? member, ImmutableDictionary<string, string?> fix, params string[] arguments)
    {
        if (_path.Count == 1)
            diagnosing.Report(rule, Place(_path[0].Type, member), fix, arguments);
    }

    private void ReportCycle(string path, int depth = int.MaxValue)
    {
        var (type, member) = _path[0];
        // Of several ways back from one member the first is enough: the others go with it or are told then.
        if (member is null || !_ways.Add(member))
            return;
        var whole = string.Join(" → ", _path.Take(depth).Select(Step).Append(path));
        diagnosing.Report(Rules.Recursive, Place(type, member), FixProperties.Of((FixProperties.Member, member.Name)), type.Name + "." + member.Name, type.Name, whole);
    }

    private static string Step((INamedTypeSymbol Type, IPropertySymbol? Member) step) => step.Type.Name + "." + step.Member?.Name;

    /// <summary>How a binder builds the record.</summary>
    public EquatableArray<MemberBinding> Bindings(INamedTypeSymbol type, RecordShape shape)
    {
        var construction = Construction.Of(type, cancel);
        if (construction.Problem is { } problem)
            diagnosing.Report(Rules.NoConstructor, type.Place(Symbols.Canonical), type.Name, problem);
        var byName = Properties(type).ToDictionary(static property => Symbols.Escaped(property.Name));
        return shape.Members
            .Select((member, index) => (Order: construction.Position(byName[member.Property]), Binding: Bind(construction, byName[member.Property], member, index)))
            .OrderBy(static pair => pair.Order)
            .Select(static pair => pair.Binding)
            .ToEquatable();
    }

    public static string SchemaName(INamedTypeSymbol type) => type.Attribute(Symbols.Canonical)?.Named("Name") ?? SnakeCase.Of(type.Name);

    public static string SchemaVersion(INamedTypeSymbol type) => type.Attribute(Symbols.Canonical)?.Named("Version") ?? "1";

    private RecordShape? ParseNew(INamedTypeSymbol type)
    {
        var (name, version) = (SchemaName(type), SchemaVersion(type));
        CheckWord(type, name, "schema name");
        CheckWord(type, version, "schema version");
        var construction = Construction.Of(type, cancel);
        var properties = Properties(type).ToList();
        var docs = DocText.Of(type, cancel);
        var members = properties.Select(property => Member(type, docs, construction, property)).ToList();
        CheckWireNames(type, construction, properties);
        if (members.Contains(null))
            return null;
        return new RecordShape(
            type.FullName(), name, version, docs.Summary,
            members.Select(static member => member!).OrderBy(static member => member.Wire, StringComparer.Ordinal).ToEquatable());
    }

    private void CheckWord(INamedTypeSymbol type, string word, string what)
    {
        if (!Symbols.IsWord(word))
            Report(Rules.BadSchemaName, null, FixProperties.Of(), word, what, type.Name);
    }

    /// <summary>Public instance properties with a getter, those of base records too, the most derived of each name.</summary>
    public static IEnumerable<IPropertySymbol> Properties(INamedTypeSymbol type)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var declaring = type; declaring is not null && declaring.SpecialType == SpecialType.None; declaring = declaring.BaseType)
        {
            foreach (var property in declaring.GetMembers().OfType<IPropertySymbol>())
            {
                if (property is { IsStatic: false, IsIndexer: false, DeclaredAccessibility: Accessibility.Public, GetMethod.DeclaredAccessibility: Accessibility.Public, Name: not "EqualityContract" }
                    && seen.Add(property.Name))
                    yield return property;
            }
        }
    }

    private MemberShape? Member(INamedTypeSymbol type, DocText docs, Construction construction, IPropertySymbol property)
    {
        _path[_path.Count - 1] = (type, property);
        var wire = WireName(type, construction, property);
        var parsed = new WireTypeParser(this, type, property).Parse(property.Type);
        var settable = construction.Parameter(property) is not null || CanSet(type, property);
        if (!settable)
            Report(Rules.NotSettable, property, FixProperties.Of((FixProperties.Member, property.Name), (FixProperties.Declare, IsGetOnly(property) ? "init" : null)), type.Name + "." + property.Name);
        if (parsed is null || wire is null || !settable)
            return null;
        var initial = MemberDefault.Of(property, construction.Parameter(property), parsed, compilation, cancel);
        var description = DocText.Of(property, cancel).Summary ?? docs.Parameter(property.Name);
        // What a compiled record's initializers give is not to be seen: the schema then asks for less than the binder might.
        var unseen = property.SetMethod is not null && !property.IsRequired && property.DeclaringSyntaxReferences.IsEmpty && _path.Count > 1;
        return new MemberShape(
            Symbols.Escaped(property.Name), wire, parsed, description,
            parsed.IsNullable || initial.Exists || (unseen && construction.Parameter(property) is null),
            initial.Exists ? initial.Json : parsed.IsNullable ? "null" : null);
    }

    private static MemberBinding Bind(Construction construction, IPropertySymbol property, MemberShape member, int index)
    {
        if (construction.Parameter(property) is { } parameter)
        {
            var missing = parameter.HasExplicitDefaultValue ? MemberDefault.CSharp(parameter, member.Type) : member.Type.IsNullable ? "null" : null;
            return new MemberBinding(index, BindingForm.Argument, Symbols.Escaped(parameter.Name), missing);
        }

        var initialized = !property.IsRequired && MemberDefault.HasInitializer(property);
        return initialized
            ? new MemberBinding(index, BindingForm.With, null, null)
            : new MemberBinding(index, BindingForm.Initializer, null, member.Type.IsNullable ? "null" : null);
    }

    /// <summary>Whether the record's other part can set the property: not where a base record sets it privately.</summary>
    private bool CanSet(INamedTypeSymbol type, IPropertySymbol property) =>
        property.SetMethod is { } set && (set.DeclaredAccessibility == Accessibility.Public || compilation.IsSymbolAccessibleWithin(set, type, type));

    /// <summary>Whether the property is <c>{ get; }</c>, which <c>init</c> can be added to; one that computes its value cannot be set in any form.</summary>
    private static bool IsGetOnly(IPropertySymbol property) =>
        property.DeclaringSyntaxReferences.FirstOrDefault()?.GetSyntax() is PropertyDeclarationSyntax { AccessorList.Accessors: { Count: 1 } accessors }
        && accessors[0] is { Body: null, ExpressionBody: null };

    private string? WireName(INamedTypeSymbol type, Construction construction, IPropertySymbol property)
    {
        var given = GivenWireName(construction, property);
        if (given is null)
            return SnakeCase.Of(property.Name);
        if (WireTypeParser.ProblemOfName(given) is not { } problem)
            return given;
        ReportType(Rules.BadWireName, property, FreeWireName(type, property), Literal.Text(given), type.Name + "." + property.Name, problem);
        return null;
    }

    /// <summary>What a member's attribute says, or null.</summary>
    public static string? GivenWireName(Construction construction, IPropertySymbol property)
    {
        var attribute = property.Attribute(WireTypeParser.WireNameAttribute) ?? construction.Parameter(property)?.Attribute(WireTypeParser.WireNameAttribute);
        return attribute?.Argument(0);
    }

    private void CheckWireNames(INamedTypeSymbol type, Construction construction, List<IPropertySymbol> properties)
    {
        foreach (var same in properties.GroupBy(property => GivenWireName(construction, property) ?? SnakeCase.Of(property.Name), StringComparer.Ordinal))
        {
            foreach (var second in same.Skip(1))
                Report(Rules.DuplicateWireName, second, FreeWireName(type, second), same.First().Name, second.Name, same.Key);
        }
    }

    private ImmutableDictionary<string, string?> FreeWireName(INamedTypeSymbol type, IPropertySymbol property)
    {
        var construction = Construction.Of(type, cancel);
        var taken = new HashSet<string>(Properties(type).Where(other => other.Name != property.Name).Select(other => GivenWireName(construction, other) ?? SnakeCase.Of(other.Name)), StringComparer.Ordinal);
        var free = SnakeCase.Of(property.Name);
        for (var i = 2; taken.Contains(free); i++)
            free = SnakeCase.Of(property.Name) + "_" + i.ToString(CultureInfo.InvariantCulture);
        return FixProperties.Of((FixProperties.Member, property.Name), (FixProperties.WireName, free));
    }

    /// <summary>A member's own place where the record declares it, else the record's: what a record inherits is declared elsewhere.</summary>
    public static Location? Place(INamedTypeSymbol type, IPropertySymbol? member) =>
        member?.Locations.FirstOrDefault(type.Declares) ?? type.Place(Symbols.Canonical);
}
