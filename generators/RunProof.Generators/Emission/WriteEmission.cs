using System;
using System.Globalization;
using System.Linq;

namespace RunProof.Generators;

/// <summary>
/// Prints <c>WriteCanonical</c>. Everything that is known at compile time gathers in <see cref="_pending"/>, so that punctuation, names and
/// constants between two values become one literal.
/// </summary>
internal sealed class WriteEmission
{
    private const string Format = "global::RunProof.Format.";
    private readonly CodeWriter _code;
    private string _pending = "";
    private int _names;

    private WriteEmission(CodeWriter code) => _code = code;

    public static void Emit(CodeWriter code, RecordShape shape)
    {
        code.Line("/// <inheritdoc/>");
        code.Open("public static void WriteCanonical(ref " + Format + "CanonicalWriter writer, " + shape.CSharp + " value)");
        new WriteEmission(code).Record(shape);
        code.Close();
    }

    private void Record(RecordShape shape)
    {
        _pending = "{";
        var first = true;
        foreach (var member in shape.Members)
        {
            _pending += (first ? "" : ",") + JsonText.Quote(member.Wire) + ":";
            Value(member.Type, "value." + member.Property, ShortName(shape.CSharp) + "." + member.Property);
            first = false;
        }

        _pending += "}";
        Flush();
    }

    private void Value(WireType type, string expression, string label)
    {
        if (!type.IsNullable)
        {
            Present(type, type.IsReference ? Guarded(expression, label) : expression, label);
            return;
        }

        var before = _pending;
        var present = Name("present");
        _code.Open("if (" + expression + " is { } " + present + ")");
        Present(type, present, label);
        Flush();
        _code.Close();
        _code.Open("else");
        _pending = before + "null";
        Flush();
        _code.Close();
    }

    /// <summary>Null where the declaration excludes it is the caller's misuse, and named: it would otherwise be a crash far from its cause.</summary>
    private static string Guarded(string expression, string label) =>
        expression + " ?? throw " + NullThrow(label);

    private static string NullThrow(string label) =>
        "new " + Format + "CanonicalFormatException(" + Literal.Text(label + " is null, and its declaration says that it never is") + ")";

    private void Present(WireType type, string value, string label)
    {
        switch (type.Kind)
        {
            case WireKind.Boolean:
                Choice(value + " ? " + Literal.Utf8(_pending + "true") + " : " + Literal.Utf8(_pending + "false"));
                break;
            case WireKind.Enum:
                Words(type, value, label);
                break;
            case WireKind.Record:
                Flush();
                _code.Line(type.CSharp + ".WriteCanonical(ref writer, " + value + ");");
                break;
            case WireKind.Scalar:
                Flush();
                _code.Line(value + ".WriteCanonical(ref writer);");
                break;
            case WireKind.List:
                List(type, value, label);
                break;
            case WireKind.Map:
                Map(type, value, label);
                break;
            default:
                Flush();
                _code.Line("writer." + Scalar(type, value) + ";");
                break;
        }
    }

    private static string Scalar(WireType type, string value) => type.Kind switch
    {
        WireKind.Text => "WriteString(" + value + ")",
        WireKind.SignedNumber => "WriteInt32(" + value + ")",
        WireKind.UnsignedNumber => "WriteUInt32(" + value + ")",
        WireKind.WideInteger => "Write" + type.Width + "String(" + value + ")",
        WireKind.Decimal => "WriteDecimalString(" + value + ")",
        // A float is written as the double that it converts to.
        WireKind.Single or WireKind.Double => "WriteDouble(" + value + ")",
        WireKind.Time => "WriteTime(" + value + ")",
        WireKind.Guid => "WriteGuid(" + value + ")",
        WireKind.Bytes => "WriteBase64(" + value + (type.Form == CollectionForm.ReadOnlyMemory ? ".Span)" : ")"),
        WireKind.Duration => "WriteDuration(" + value + ")",
        WireKind.Json => "WriteJson(" + value + ")",
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    private void Words(WireType type, string value, string label)
    {
        _code.Open("writer.WriteRaw(" + value + " switch");
        foreach (var word in type.Words)
            _code.Line(word.Constant + " => " + Literal.Utf8(_pending + JsonText.Quote(word.Wire)) + ",");
        _code.Line("_ => throw new " + Format + "CanonicalFormatException(" + Literal.Text(label + " is no declared value of " + ShortName(type.CSharp)) + "),");
        _code.Close("});");
        _pending = "";
    }

    private void Choice(string expression)
    {
        _code.Line("writer.WriteRaw(" + expression + ");");
        _pending = "";
    }

    private void List(WireType type, string value, string label)
    {
        var (list, i) = (Name("list"), Name("i"));
        _pending += "[";
        _code.Line("var " + list + " = " + value + ";");
        if (type.Form == CollectionForm.ImmutableArray)
        {
            _code.Line("if (" + list + ".IsDefault)");
            _code.Line("    throw " + NullThrow(label) + ";");
        }

        Flush();
        _code.Open("for (var " + i + " = 0; " + i + " < " + list + (type.Form == CollectionForm.Array && type.CSharp.EndsWith("[]", StringComparison.Ordinal) || type.Form == CollectionForm.ImmutableArray ? ".Length" : ".Count") + "; " + i + "++)");
        _code.Line("if (" + i + " != 0)");
        _code.Line("    writer.WriteRaw(\",\"u8);");
        Value(type.Element!, list + "[" + i + "]", "an item of " + label);
        Flush();
        _code.Close();
        _pending = "]";
    }

    private void Map(WireType type, string value, string label)
    {
        Flush();
        var item = Name("item");
        _code.Open(
            Format + "CanonicalMap.Write<" + type.Element!.Declared + ">(ref writer, " + value + ", static (ref " + Format + "CanonicalWriter writer, "
            + type.Element.Declared + " " + item + ") =>");
        Value(type.Element, item, "a value of " + label);
        Flush();
        _code.Close("});");
    }

    private void Flush()
    {
        if (_pending.Length > 0)
            _code.Line("writer.WriteRaw(" + Literal.Utf8(_pending) + ");");
        _pending = "";
    }

    private string Name(string stem) => stem + (++_names).ToString(CultureInfo.InvariantCulture);

    private static string ShortName(string fullName) => fullName.Split('.', ':').Last();
}
