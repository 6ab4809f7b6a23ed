using System;
using System.Globalization;
using System.Linq;

namespace RunProof.Generators;

/// <summary>Prints <c>BindJson</c>: find the members, refuse what is missing or unknown, construct.</summary>
internal sealed class BindEmission
{
    private const string Binding = "global::RunProof.Skills.JsonBinding";
    private const string Element = "global::System.Text.Json.JsonElement";
    private readonly CodeWriter _code;
    private readonly CanonicalModel _model;
    private int _names;

    private BindEmission(CodeWriter code, CanonicalModel model)
    {
        _code = code;
        _model = model;
    }

    public static void Emit(CodeWriter code, CanonicalModel model) => new BindEmission(code, model).Method();

    private void Method()
    {
        _code.Line("/// <inheritdoc/>");
        _code.Open("public static " + (_model.HidesBase ? "new " : "") + _model.Shape.CSharp + " BindJson(" + Element + " json, string place)");
        FindMembers();
        _code.Line();
        Construct();
        _code.Close();
    }

    private void FindMembers()
    {
        _code.Line(Binding + ".RequireObject(json, place);");
        for (var i = 0; i < _model.Shape.Members.Count; i++)
            _code.Line("var " + Found(i) + " = default(" + Element + ");");
        _code.Open("foreach (var property in json.EnumerateObject())");
        _code.Line("var name = " + Binding + ".Name(property, place);");
        _code.Open("switch (name)");
        for (var i = 0; i < _model.Shape.Members.Count; i++)
            _code.Line("case " + Literal.Text(_model.Shape.Members[i].Wire) + ": " + Binding + ".Take(ref " + Found(i) + ", property, place, name); break;");
        var known = string.Join(", ", _model.Shape.Members.Select(static member => member.Wire));
        _code.Line("default: throw " + Binding + ".Unknown(place, name, " + Literal.Text(known) + ");");
        _code.Close();
        _code.Close();
    }

    private void Construct()
    {
        var arguments = _model.Bindings.Where(static binding => binding.Form == BindingForm.Argument).ToList();
        var initializers = _model.Bindings.Where(static binding => binding.Form == BindingForm.Initializer).ToList();
        var late = _model.Bindings.Where(static binding => binding.Form == BindingForm.With).ToList();
        var end = initializers.Count == 0 ? ";" : "";
        _code.Line((late.Count == 0 ? "return new " : "var initial = new ") + _model.Shape.CSharp + "(" + (arguments.Count == 0 ? ")" + end : ""));
        for (var i = 0; i < arguments.Count; i++)
            _code.Line("    " + arguments[i].Parameter + ": " + Read(arguments[i], arguments[i].DefaultCSharp) + (i < arguments.Count - 1 ? "," : ")" + end));
        if (initializers.Count > 0)
        {
            _code.Open();
            foreach (var binding in initializers)
                _code.Line(Member(binding).Property + " = " + Read(binding, binding.DefaultCSharp) + ",");
            _code.Close("};");
        }

        if (late.Count == 0)
            return;
        // A member that is missing keeps what the record's own initializer gave it.
        _code.Open("return initial with");
        foreach (var binding in late)
            _code.Line(Member(binding).Property + " = " + Read(binding, "initial." + Member(binding).Property) + ",");
        _code.Close("};");
    }

    private string Read(MemberBinding binding, string? missing)
    {
        var member = Member(binding);
        var (found, place) = (Found(binding.Member), Binding + ".At(place, " + Literal.Text(member.Wire) + ")");
        var instead = missing ?? "throw " + Binding + ".Missing(place, " + Literal.Text(member.Wire) + ", " + Literal.Text(Expected(member.Type)) + ")";
        return found + ".ValueKind == global::System.Text.Json.JsonValueKind.Undefined ? " + instead + " : " + Value(member.Type, found, place);
    }

    private string Value(WireType type, string element, string place) => !type.IsNullable
        ? Present(type, element, place)
        : element + ".ValueKind == global::System.Text.Json.JsonValueKind.Null ? default(" + type.Declared + ") : " + Present(type, element, place);

    private string Present(WireType type, string element, string place) => type.Kind switch
    {
        WireKind.Text => Call("Text", element, place),
        WireKind.Boolean => Call("Boolean", element, place),
        WireKind.SignedNumber or WireKind.UnsignedNumber => Call("Integer<" + type.CSharp + ">", element, place),
        WireKind.WideInteger => Call("WideInteger<" + type.CSharp + ">", element, place),
        WireKind.Decimal => Call("Decimal", element, place),
        WireKind.Single => Call("Single", element, place),
        WireKind.Double => Call("Double", element, place),
        WireKind.Time => Call("Time", element, place),
        WireKind.Guid => Call("Guid", element, place),
        WireKind.Bytes => Call("Bytes", element, place),
        WireKind.Duration => Call("Duration", element, place),
        WireKind.Json => Call("Json", element, place),
        WireKind.Scalar => Call("Scalar<" + type.CSharp + ">", element, place),
        WireKind.Record => type.CSharp + ".BindJson(" + element + ", " + place + ")",
        WireKind.Enum => Words(type, element, place),
        WireKind.List => List(type, element, place),
        WireKind.Map => Map(type, element, place),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    private string Words(WireType type, string element, string place)
    {
        var other = Name("other");
        var known = string.Join(", ", CanonicalSchemaText.Sorted(type.Words));
        return Call("Text", element, place) + " switch { "
            + string.Concat(type.Words.Select(static word => Literal.Text(word.Wire) + " => " + word.Constant + ", "))
            + "var " + other + " => throw " + Binding + ".NotOneOf(" + place + ", " + other + ", " + Literal.Text(known) + ") }";
    }

    private string List(WireType type, string element, string place)
    {
        var items = Binding + ".List<" + type.Element!.Declared + ">(" + element + ", " + place + ", " + Lambda(type.Element) + ")";
        return type.Form switch
        {
            CollectionForm.List => "new " + type.CSharp + "(" + items + ")",
            CollectionForm.ImmutableArray => "global::System.Runtime.InteropServices.ImmutableCollectionsMarshal.AsImmutableArray(" + items + ")",
            _ => items,
        };
    }

    private string Map(WireType type, string element, string place)
    {
        var entries = Binding + ".Map<" + type.Element!.Declared + ">(" + element + ", " + place + ", " + Lambda(type.Element) + ")";
        return type.Form == CollectionForm.ImmutableSortedDictionary
            ? "global::System.Collections.Immutable.ImmutableSortedDictionary.CreateRange(global::System.StringComparer.Ordinal, " + entries + ")"
            : entries;
    }

    private string Lambda(WireType type)
    {
        var (item, at) = (Name("item"), Name("at"));
        return "static (" + item + ", " + at + ") => " + Value(type, item, at);
    }

    private static string Expected(WireType type) => type.Kind switch
    {
        WireKind.Text => "a string",
        WireKind.Boolean => "true or false",
        WireKind.SignedNumber or WireKind.UnsignedNumber => "an integer",
        WireKind.WideInteger => "an integer, as a string or a number",
        WireKind.Decimal => "a decimal number, as a string or a number",
        WireKind.Single or WireKind.Double => "a number",
        WireKind.Time => "a time",
        WireKind.Guid => "a GUID",
        WireKind.Bytes => "base64 text",
        WireKind.Duration => "a duration in whole microseconds",
        WireKind.Json => "any JSON value",
        WireKind.Scalar => type.Spelling == "string" ? "a string" : "an integer",
        WireKind.Enum => "one of " + string.Join(", ", CanonicalSchemaText.Sorted(type.Words)),
        WireKind.List => "an array",
        _ => "an object",
    };

    private static string Call(string method, string element, string place) => Binding + "." + method + "(" + element + ", " + place + ")";

    private MemberShape Member(MemberBinding binding) => _model.Shape.Members[binding.Member];

    private static string Found(int index) => "member" + index.ToString(CultureInfo.InvariantCulture);

    private string Name(string stem) => stem + (++_names).ToString(CultureInfo.InvariantCulture);
}
