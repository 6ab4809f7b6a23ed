using System.Collections.Generic;
using System.Linq;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace RunProof.Generators;

/// <summary>What both generators write from the lock, and for it: history, <c>GeneratedSchemas</c>, and errors where no analyzer would tell them.</summary>
internal static class LockOutputs
{
    /// <summary>The step whose outputs are records of the past: where these are cached, no source is printed again.</summary>
    public const string HistoryStep = "RunProof.Lock.History";

    /// <summary>The step whose output is every shape of the present, without what only people read.</summary>
    public const string ShapesStep = "RunProof.Lock.Shapes";

    /// <summary>The step whose output is every skill of the present and the past.</summary>
    public const string SkillsStep = "RunProof.Lock.Skills";

    /// <summary>The step whose outputs are errors, where no analyzer runs.</summary>
    public const string DriftStep = "RunProof.Lock.Drift";

    public static void OfRecords(IncrementalGeneratorInitializationContext context, IncrementalValuesProvider<CanonicalModel> models)
    {
        var (locked, assembly) = (LockInput.Of(context), AssemblyInput.Of(context));
        var shapes = models
            .Select(static (model, _) => Shapes(model))
            .Collect()
            .Select(static (all, _) => DeclaredShape.Once(all.Select(static each => each[0]).Concat(all.SelectMany(static each => each.Skip(1)))).ToEquatable())
            .WithTrackingName(ShapesStep);
        var labels = shapes.Select(static (all, _) => all.Select(static shape => shape.Entry.Label).ToEquatable());
        var history = locked.Combine(labels).Combine(assembly).Select(static (input, _) => History(input.Left.Left.File, input.Left.Right, input.Right));
        context.RegisterSourceOutput(history.SelectMany(static (all, _) => all).WithTrackingName(HistoryStep), static (output, record) =>
        {
            output.Add(record.Model.HintName.Replace(".g.cs", ".Declared.g.cs"), HistoryEmitter.Emit(record));
            output.Add(record.Model.HintName, CanonicalEmitter.Emit(record.Model));
        });
        context.RegisterSourceOutput(shapes.Combine(history).Combine(assembly), static (output, input) =>
        {
            if (input.Left.Left.Count + input.Left.Right.Count > 0)
                output.Add("GeneratedSchemas.g.cs", SchemaEmitter.Records(input.Left.Left, input.Left.Right, input.Right));
        });
        var drift = locked.Combine(shapes).Select(static (input, _) => Drift(input.Left, input.Right)).WithTrackingName(DriftStep);
        context.RegisterSourceOutput(drift, static (output, errors) => output.AddErrors("CanonicalLock.Records.g.cs", errors));
    }

    public static IncrementalValueProvider<RecordedSkills> OfSkills(IncrementalGeneratorInitializationContext context, IncrementalValueProvider<EquatableArray<SkillModel>> models)
    {
        var (locked, assembly) = (LockInput.Of(context), AssemblyInput.Of(context));
        var skills = models.Combine(locked).Combine(assembly)
            .Select(static (input, _) => RecordedSkills.Of(input.Left.Left, input.Left.Right, input.Right))
            .WithTrackingName(SkillsStep);
        context.RegisterSourceOutput(skills.Combine(assembly), static (output, input) =>
        {
            var (recorded, to) = (input.Left, input.Right);
            if (recorded.HasAny)
                output.Add("GeneratedSchemas.Skills.g.cs", SchemaEmitter.OfSkills(recorded.Present, recorded.Past, recorded.Held, to));
            output.AddErrors("CanonicalLock.Skills.g.cs", recorded.Errors);
        });
        return skills;
    }

    private static EquatableArray<DeclaredShape> Shapes(CanonicalModel model)
    {
        var all = DeclaredShape.Within(model.Shape).ToArray();
        all[0] = all[0] with { IsHidden = !model.IsReachable };
        return all.ToEquatable();
    }

    private static EquatableArray<HistoryRecord> History(LockFile? file, EquatableArray<string> present, AssemblyInput assembly) =>
        file is null ? default : HistoryRecord.Of(file, new HashSet<string>(present), assembly.Space).ToEquatable();

    private static EquatableArray<string> Drift(LockInput locked, EquatableArray<DeclaredShape> shapes)
    {
        if (!locked.IsToldByGenerator || locked.Mode != LockMode.Check || locked.Reading is not { } reading)
            return default;
        if (reading.File is not { } file)
            return reading.Faults.Select(static fault => Rules.Of(fault).Id + ": " + LockFile.FileName + " line " + Rules.Line(fault) + ": " + fault.Message).ToEquatable();
        return shapes.SelectMany(shape => LockDrift.Of(file, shape.Entry, shape.ShortName)).Select(static drift => drift.Directive).ToEquatable();
    }

    private static void Add(this SourceProductionContext output, string hint, string text) => output.AddSource(hint, SourceText.From(text, Encoding.UTF8));

    private static void AddErrors(this SourceProductionContext output, string hint, EquatableArray<string> errors)
    {
        if (errors.Count > 0)
            output.Add(hint, "// <auto-generated/>\n" + string.Concat(errors.Select(static error => "#error " + OnOneLine(error) + "\n")));
    }

    /// <summary>A wire name may hold a line's end, and a directive ends with its line.</summary>
    private static string OnOneLine(string text) => new(text.Select(static c => char.IsControl(c) || c is '\u2028' or '\u2029' ? ' ' : c).ToArray());
}
