using System.Collections.Generic;
using System.Linq;

namespace RunProof.Generators;

/// <summary>Prints <c>GeneratedSchemas</c>: what of its own and of the past an assembly can read and write, and the entries that a lock takes from it.</summary>
internal static class SchemaEmitter
{
    private const string Skills = "global::RunProof.Skills.";
    private const string List = "global::System.Collections.Generic.IReadOnlyList<";

    /// <summary>The part about records.</summary>
    /// <param name="shapes">What the code declares, and what that holds.</param>
    /// <param name="history">What the lock keeps beyond it.</param>
    /// <param name="assembly">The assembly.</param>
    public static string Records(IReadOnlyCollection<DeclaredShape> shapes, IReadOnlyCollection<HistoryRecord> history, AssemblyInput assembly)
    {
        var code = new CodeWriter();
        foreach (var shape in shapes)
            Attribute(code, LockPrinter.Entry(shape.Entry));
        if (!assembly.HasSkills)
            return CanonicalEmitter.Header + code;
        Begin(code, shapes.Count > 0, assembly, "The shapes whose recorded bytes this assembly can read and write again.");
        code.Line("/// <summary>The records of this assembly, those that they hold, and those that its lock keeps.</summary>");
        code.Line("public static " + List + Skills + "CanonicalSchema> All { get; } = new " + Skills + "CanonicalSchema[]");
        code.Open();
        var fingerprints = new HashSet<string>(shapes.Select(static shape => shape.Entry.Fingerprint));
        var past = history.Where(record => !fingerprints.Contains(record.Entry.Fingerprint)).Select(static record => new DeclaredShape(record.Model.Shape.CSharp, record.Entry));
        foreach (var shape in shapes.Where(static shape => !shape.IsHidden).Concat(past))
            code.Line(Schema(shape) + ",");
        code.Close("};");
        code.Line();
        // What the other part refers to: by this name, because a name of less chance could mean something else where there is no such part.
        code.Line("private static " + List + Skills + "CanonicalSchema> SchemasOfRecords => All;");
        code.Close();
        return CanonicalEmitter.Header + code;
    }

    /// <summary>The part about skills.</summary>
    /// <param name="skills">What the code declares.</param>
    /// <param name="history">What the lock keeps beyond it.</param>
    /// <param name="held">Records of other assemblies that the skills take or return, and what those hold.</param>
    /// <param name="assembly">The assembly.</param>
    public static string OfSkills(IReadOnlyCollection<LockSkill> skills, IReadOnlyCollection<LockSkill> history, IReadOnlyCollection<DeclaredShape> held, AssemblyInput assembly)
    {
        var code = new CodeWriter();
        // Where the assembly declares no record, there is no part about records, and the name below means this.
        code.Line("using static " + Skills + "NoRecords;");
        code.Line();
        foreach (var shape in held)
            Attribute(code, LockPrinter.Entry(shape.Entry));
        foreach (var skill in skills)
            Attribute(code, LockPrinter.Entry(skill));
        Begin(code, skills.Count > 0, assembly, "The shapes and skills whose records this assembly can read.");
        code.Line("/// <summary>The skills of this assembly, and those that its lock keeps.</summary>");
        code.Line("public static " + List + Skills + "RecordedSkill> Skills { get; } = new " + Skills + "RecordedSkill[]");
        code.Open();
        foreach (var skill in skills.Concat(history))
            code.Line("new(" + string.Join(", ", Literal.Text(skill.Name), Literal.Text(skill.Version), "global::RunProof.Format.Digest.Parse(" + Literal.Text(skill.Schema) + ")", Literal.Text(skill.Parameters), Literal.Text(skill.Outcome)) + "),");
        code.Close("};");
        code.Line();
        Registered(code, held);
        code.Close();
        return CanonicalEmitter.Header + code;
    }

    private static void Registered(CodeWriter code, IReadOnlyCollection<DeclaredShape> held)
    {
        code.Open("internal sealed class OfAssembly : " + Skills + "RecordedSchemas");
        code.Line("public override " + List + Skills + "CanonicalSchema> Schemas { get; } =");
        code.Line("[");
        code.Line("    .. SchemasOfRecords,");
        foreach (var shape in held)
            code.Line("    " + Schema(shape) + ",");
        code.Line("];");
        code.Line();
        code.Line("public override " + List + Skills + "RecordedSkill> Skills => GeneratedSchemas.Skills;");
        code.Close();
    }

    private static string Schema(DeclaredShape shape) =>
        Skills + "CanonicalSchema.Of<" + shape.CSharp + ">(" + Literal.Text(shape.Entry.Name) + ", " + Literal.Text(shape.Entry.Version) + ")";

    private static void Attribute(CodeWriter code, string entry) => code.Line("[assembly: global::RunProof.Format.CanonicalShape(" + Literal.Json(entry) + ")]");

    private static void Begin(CodeWriter code, bool isAfterAttributes, AssemblyInput assembly, string summary)
    {
        if (isAfterAttributes)
            code.Line();
        code.Line("namespace " + assembly.Space + ";");
        code.Line();
        code.Line("/// <summary>" + summary + "</summary>");
        code.Open("public static partial class GeneratedSchemas");
    }
}
