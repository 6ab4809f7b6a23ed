using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>The members of a record, and of the records in it. Faults of nested records are told at those, where their own parse finds them.</summary>
internal sealed class RecordParser(Compilation compilation, Diagnosing diagnosing, CancellationToken cancel)
{
    private readonly Stack<INamedTypeSymbol> _path = new();
    private readonly Dictionary<INamedTypeSymbol, RecordShape?> _known = new(SymbolEqualityComparer.Default);

    /// <summary>The shape of a record that has <c>[Canonical]</c>; null where something is wrong with it.</summary>
    public RecordShape? Parse(INamedTypeSymbol type)
    {
        cancel.ThrowIfCancellationRequested();
        if (_known.TryGetValue(type, out var known))
            return known;
        _path.Push(type);
        var shape = ParseNew(type);
        _path.Pop();
        return _known[type] = shape;
    }

    /// <summary>Whether the record is being parsed already, further out.</summary>
    public bool IsWithin(INamedTypeSymbol type) => _path.Contains(type, SymbolEqualityComparer.Default);

    /// <summary>Whether a binder of this assembly, where it writes any, can bind the record: one of another assembly must bring its own.</summary>
    public bool CanBind(INamedTypeSymbol type) =>
        compilation.GetTypeByMetadataName(Symbols.JsonBound) is not { } bound
        || SymbolEqualityComparer.Default.Equals(type.ContainingAssembly, compilation.Assembly)
        || type.AllInterfaces.Any(implemented => SymbolEqualityComparer.Default.Equals(implemented.OriginalDefinition, bound));

    /// <summary>Reports a fault, unless it lies in a nested record.</summary>
    public void Report(DiagnosticDescriptor rule, Location? location, params string[] arguments)
    {
        if (_path.Count <= 1)
            diagnosing.Report(rule, location, arguments);
    }

    /// <summary>How a binder builds the record.</summary>
    public EquatableArray<MemberBinding> Bindings(INamedTypeSymbol type, RecordShape shape)
    {
        var construction = Construction.Of(type, cancel);
        if (construction.Problem is { } problem)
            diagnosing.Report(Rules.NoConstructor, type.Locations.FirstOrDefault(), type.Name, problem);
        var byName = Properties(type).ToDictionary(static property => Symbols.Escaped(property.Name));
        return shape.Members
            .Select((member, index) => (Order: construction.Position(byName[member.Property]), Binding: Bind(construction, byName[member.Property], member, index)))
            .OrderBy(static pair => pair.Order)
            .Select(static pair => pair.Binding)
            .ToEquatable();
    }

    private RecordShape? ParseNew(INamedTypeSymbol type)
    {
        var attribute = type.Attribute(Symbols.Canonical);
        var name = attribute?.Named("Name") ?? SnakeCase.Of(type.Name);
        var version = attribute?.Named("Version") ?? "1";
        CheckWord(type, name, "schema name");
        CheckWord(type, version, "schema version");
        var construction = Construction.Of(type, cancel);
        var properties = Properties(type).ToList();
        var members = properties.Select(property => Member(type, construction, property)).ToList();
        CheckWireNames(properties);
        if (members.Contains(null))
            return null;
        return new RecordShape(
            type.FullName(), name, version, DocText.Summary(type, cancel),
            members.Select(static member => member!).OrderBy(static member => member.Wire, StringComparer.Ordinal).ToEquatable());
    }

    private void CheckWord(INamedTypeSymbol type, string word, string what)
    {
        if (!Symbols.IsWord(word))
            Report(Rules.BadSchemaName, type.Locations.FirstOrDefault(), word, what, type.Name);
    }

    /// <summary>Public instance properties with a getter, those of base records too, the most derived of each name.</summary>
    private static IEnumerable<IPropertySymbol> Properties(INamedTypeSymbol type)
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

    private MemberShape? Member(INamedTypeSymbol type, Construction construction, IPropertySymbol property)
    {
        var location = Location(type, property);
        var wire = WireName(type, construction, property, location);
        var parsed = new WireTypeParser(this, type.Name + "." + property.Name, location).Parse(property.Type);
        var settable = property.SetMethod is not null || construction.Parameter(property) is not null;
        if (!settable)
            Report(Rules.NotSettable, location, type.Name + "." + property.Name);
        if (parsed is null || wire is null || !settable)
            return null;
        var initial = MemberDefault.Of(property, construction.Parameter(property), parsed, compilation, cancel);
        var description = DocText.Summary(property, cancel) ?? DocText.Parameter(type, property.Name, cancel);
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

    private string? WireName(INamedTypeSymbol type, Construction construction, IPropertySymbol property, Location? location)
    {
        var given = GivenWireName(construction, property);
        if (given is null)
            return SnakeCase.Of(property.Name);
        if (WireTypeParser.ProblemOfName(given) is not { } problem)
            return given;
        Report(Rules.BadWireName, location, Literal.Text(given), type.Name + "." + property.Name, problem);
        return null;
    }

    private static string? GivenWireName(Construction construction, IPropertySymbol property)
    {
        var attribute = property.Attribute(WireTypeParser.WireNameAttribute) ?? construction.Parameter(property)?.Attribute(WireTypeParser.WireNameAttribute);
        return attribute?.Argument(0);
    }

    private void CheckWireNames(List<IPropertySymbol> properties)
    {
        var type = _path.Peek();
        var construction = Construction.Of(type, cancel);
        foreach (var same in properties.GroupBy(property => GivenWireName(construction, property) ?? SnakeCase.Of(property.Name), StringComparer.Ordinal))
        {
            foreach (var second in same.Skip(1))
                Report(Rules.DuplicateWireName, Location(type, second), same.First().Name, second.Name, same.Key);
        }
    }

    private static Location? Location(INamedTypeSymbol type, IPropertySymbol property) =>
        property.Locations.FirstOrDefault(static place => place.IsInSource) ?? type.Locations.FirstOrDefault();
}
