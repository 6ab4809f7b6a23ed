using System;
using System.Globalization;
using System.Linq;

namespace RunProof.Generators;

/// <summary>
/// Prints <c>TryReadCanonical</c>, the mirror of <see cref="WriteEmission"/>: one literal of punctuation and name before each value, in the order in which they
/// were written, then the construction. Whatever is not as it was written returns false; the reader has noted why.
/// </summary>
internal sealed class ReadEmission
{
    private const string Format = "global::RunProof.Format.";
    private const string MaybeNull = "[global::System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out ";
    private readonly CodeWriter _code;
    private readonly CanonicalModel _model;
    private string _pending = "";
    private int _names;

    private ReadEmission(CodeWriter code, CanonicalModel model)
    {
        _code = code;
        _model = model;
    }

    public static void Emit(CodeWriter code, CanonicalModel model)
    {
        code.Line("/// <inheritdoc/>");
        code.Open("public static bool TryReadCanonical(ref " + Format + "CanonicalReader reader, " + MaybeNull + model.Shape.CSharp + " value)");
        new ReadEmission(code, model).Record();
        code.Close();
    }

    private void Record()
    {
        var members = _model.Shape.Members;
        var values = new string[members.Count];
        _code.Line("value = default;");
        _pending = "{";
        for (var i = 0; i < members.Count; i++)
        {
            _pending += (i == 0 ? "" : ",") + JsonText.Quote(members[i].Wire) + ":";
            values[i] = Value(members[i].Type);
        }

        _pending += "}";
        Flush();
        Construct(values);
        _code.Line("return true;");
    }

    private void Construct(string[] values)
    {
        var arguments = _model.Bindings.Where(static binding => binding.Form == BindingForm.Argument).ToList();
        var initializers = _model.Bindings.Where(static binding => binding.Form != BindingForm.Argument).ToList();
        var call = string.Join(", ", arguments.Select(binding => binding.Parameter + ": " + values[binding.Member]));
        _code.Line("value = new " + _model.Shape.CSharp + "(" + call + (initializers.Count == 0 ? ");" : ")"));
        if (initializers.Count == 0)
            return;
        _code.Open();
        foreach (var binding in initializers)
            _code.Line(_model.Shape.Members[binding.Member].Property + " = " + values[binding.Member] + ",");
        _code.Close("};");
    }

    /// <summary>Prints what reads a value, and gives the expression that it then is.</summary>
    private string Value(WireType type)
    {
        if (!type.IsNullable)
            return Present(type);
        Flush();
        var value = Name("value");
        _code.Line(type.Declared + " " + value + " = null;");
        _code.Open("if (!reader.TakeNull())");
        _code.Line(value + " = " + Present(type) + ";");
        _code.Close();
        return value;
    }

    private string Present(WireType type) => type.Kind switch
    {
        WireKind.Enum => Words(type),
        WireKind.List => List(type),
        WireKind.Map => Map(type),
        WireKind.Record => Read(type.CSharp + ".TryReadCanonical(ref reader, "),
        _ => Read("reader." + Scalar(type) + "("),
    };

    private static string Scalar(WireType type) => type.Kind switch
    {
        WireKind.Text => "TryReadString",
        WireKind.Boolean => "TryReadBoolean",
        WireKind.SignedNumber or WireKind.UnsignedNumber => "TryReadInteger<" + type.CSharp + ">",
        WireKind.WideInteger => "TryReadWideInteger<" + type.CSharp + ">",
        WireKind.Decimal => "TryReadDecimal",
        WireKind.Single => "TryReadSingle",
        WireKind.Double => "TryReadDouble",
        WireKind.Time => "TryReadTime",
        WireKind.Guid => "TryReadGuid",
        WireKind.Bytes => "TryReadBytes",
        WireKind.Duration => "TryReadDuration",
        WireKind.Json => "TryReadJson",
        WireKind.Scalar => "TryReadScalar<" + type.CSharp + ">",
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    private string Words(WireType type)
    {
        Flush();
        var word = Name("word");
        _code.Line(type.CSharp + " " + word + ";");
        for (var i = 0; i < type.Words.Count; i++)
        {
            _code.Line((i == 0 ? "" : "else ") + "if (reader.Take(" + Literal.Utf8(JsonText.Quote(type.Words[i].Wire)) + "))");
            _code.Line("    " + word + " = " + type.Words[i].Constant + ";");
        }

        _code.Line("else");
        _code.Line("    return reader.RefuseWord(" + Literal.Text(string.Join(", ", CanonicalSchemaText.Sorted(type.Words))) + ");");
        return word;
    }

    private string List(WireType type)
    {
        var items = Items(type, "reader.TryReadList<" + type.Element!.Declared + ">(");
        return type.Form switch
        {
            CollectionForm.List => items,
            CollectionForm.ImmutableArray => "global::System.Runtime.InteropServices.ImmutableCollectionsMarshal.AsImmutableArray(" + items + ".ToArray())",
            _ => items + ".ToArray()",
        };
    }

    private string Map(WireType type)
    {
        var entries = Items(type, Format + "CanonicalMap.TryRead<" + type.Element!.Declared + ">(ref reader, ");
        return type.Form == CollectionForm.ImmutableSortedDictionary
            ? "global::System.Collections.Immutable.ImmutableSortedDictionary.CreateRange(global::System.StringComparer.Ordinal, " + entries + ")"
            : entries;
    }

    /// <summary>A list's or map's call with the function that reads one item.</summary>
    private string Items(WireType type, string call)
    {
        var (item, items) = (Name("item"), Name("items"));
        _code.Open("if (" + Pending() + "!" + call + "static (ref " + Format + "CanonicalReader reader, " + MaybeNull + type.Element!.Declared + " " + item + ") =>");
        _code.Line(item + " = default;");
        _code.Line(item + " = " + Value(type.Element) + ";");
        _code.Line("return true;");
        _code.Close("}, out var " + items + "))");
        _code.Line("    return false;");
        return items;
    }

    private string Read(string call)
    {
        var value = Name("value");
        _code.Line("if (" + Pending() + "!" + call + "out var " + value + "))");
        _code.Line("    return false;");
        return value;
    }

    /// <summary>Prints that what gathered must stand there.</summary>
    private void Flush()
    {
        if (_pending.Length == 0)
            return;
        _code.Line("if (!reader.Expect(" + Literal.Utf8(_pending) + "))");
        _code.Line("    return false;");
        _pending = "";
    }

    /// <summary>The same as the beginning of a condition.</summary>
    private string Pending()
    {
        var condition = _pending.Length == 0 ? "" : "!reader.Expect(" + Literal.Utf8(_pending) + ") || ";
        _pending = "";
        return condition;
    }

    private string Name(string stem) => stem + (++_names).ToString(CultureInfo.InvariantCulture);
}
