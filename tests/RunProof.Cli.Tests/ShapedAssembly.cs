using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using RunProof.Generators;

namespace RunProof.Cli.Tests;

/// <summary>An assembly with nothing but shapes: it could not even be loaded where it is read, and need not be.</summary>
internal static class ShapedAssembly
{
    internal static LockRecord Item { get; } = LockRecord.Of("order_item", "1", [Member("count", "int32"), Member("sku", "text")]);

    internal static LockRecord Order { get; } = LockRecord.Of("order", "1", [Member("items", $"record(order_item/1 {Item.Fingerprint})[]"), Member("note", "text?")]);

    internal static LockSkill Skill { get; } = LockSkill.Of("place_order", "1.0.0", Order.Fingerprint, Item.Fingerprint);

    internal static LockMember Member(string wire, string type) => new(wire, char.ToUpperInvariant(wire[0]) + wire[1..], LockTypeText.Parse(type)!);

    internal static void Write(string file, params object[] shapes) =>
        WriteEntries(file, [.. shapes.Select(shape => shape is LockRecord record ? LockPrinter.Entry(record) : LockPrinter.Entry((LockSkill)shape))]);

    internal static void WriteEntries(string file, params string[] entries)
    {
        // As code that must never run would look: reading shapes runs none.
        const string Attribute =
            "namespace RunProof.Format { [System.AttributeUsage(System.AttributeTargets.Assembly, AllowMultiple = true)] class CanonicalShapeAttribute : System.Attribute { public CanonicalShapeAttribute(string entry) => throw null; } }";
        var source = string.Concat(entries.Select(entry => $"[assembly: RunProof.Format.CanonicalShape({SymbolDisplay.FormatLiteral(entry, quote: true)})]\n")) + Attribute;
        var compilation = CSharpCompilation.Create(
            "Shaped", [CSharpSyntaxTree.ParseText(source)], [MetadataReference.CreateFromFile(typeof(object).Assembly.Location)], new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        var emitted = compilation.Emit(file);
        Assert.True(emitted.Success, string.Join('\n', emitted.Diagnostics));
    }
}
