using System.Collections.Generic;
using System.Linq;

namespace RunProof.Generators;

/// <summary>Prints descriptors of skills, and the assembly's registration.</summary>
internal static class SkillEmitter
{
    private const string Format = "global::RunProof.Format.";
    private const string Skills = "global::RunProof.Skills.";
    private const string Injection = "global::Microsoft.Extensions.DependencyInjection.";

    /// <summary>One skill's descriptor.</summary>
    public static string Descriptor(SkillModel skill, string space)
    {
        var code = Begin(space);
        code.Open("public static partial class GeneratedSkills");
        code.Open("private sealed class " + ClassName(skill) + " : " + Skills + "SkillDescriptor");
        code.Line("private static readonly " + Format + "Digest SchemaDigest = " + Format + "Digest.Parse(" + Literal.Text(skill.Recorded.Schema) + ");");
        code.Line();
        Property(code, "string", "Name", Literal.Text(skill.Name));
        Property(code, "string", "Version", Literal.Text(skill.Version));
        Property(code, "string", "Description", Literal.Text(skill.Description));
        Property(code, "string", "ParametersSchema", skill.Parameters + ".JsonSchema");
        Property(code, "string", "OutcomeSchema", skill.Outcome + ".JsonSchema");
        Property(code, "string", "ParametersFingerprint", skill.Parameters + ".CanonicalFingerprint");
        Property(code, "string", "OutcomeFingerprint", skill.Outcome + ".CanonicalFingerprint");
        Property(code, Format + "Digest", "Schema", "SchemaDigest");
        Property(code, Format + "ReplayBehavior", "Replay", skill.Replay);
        if (skill.IsIdempotent)
            Property(code, "bool", "IsIdempotent", "true");
        Property(code, "string", "DeclaredAt", Literal.Text(skill.DeclaredAt));
        code.Line("public override " + Skills + "SkillCall Bind(global::System.Text.Json.JsonElement parameters, string place) => new Call(" + skill.Parameters + ".BindJson(parameters, place));");
        code.Line();
        Call(code, skill);
        code.Close();
        code.Close();
        return CanonicalEmitter.Header + code;
    }

    /// <summary>The registration of all skills of the assembly.</summary>
    public static string Registration(IReadOnlyCollection<SkillModel> skills, string space)
    {
        var code = Begin(space);
        code.Line("/// <summary>The skills of this assembly.</summary>");
        code.Open("public static partial class GeneratedSkills");
        code.Line("/// <summary>Registers every skill of this assembly, and what it can read of recorded steps; a second call changes nothing.</summary>");
        code.Line("/// <param name=\"services\">Where they are registered: descriptors once, skill classes to be made for each call.</param>");
        code.Line("/// <returns>The same collection.</returns>");
        code.Open("public static " + Injection + "IServiceCollection AddGeneratedSkills(this " + Injection + "IServiceCollection services)");
        foreach (var skill in skills)
        {
            if (skill.Instance is not null)
                code.Line(Injection + "Extensions.ServiceCollectionDescriptorExtensions.TryAddTransient<" + skill.Instance + ">(services);");
            code.Line(
                Injection + "Extensions.ServiceCollectionDescriptorExtensions.TryAddEnumerable(services, " + Injection + "ServiceDescriptor.Singleton<"
                + Skills + "SkillDescriptor>(new " + ClassName(skill) + "()));");
        }

        // By type, not by instance: it is made where a registry is asked for.
        code.Line(Injection + "Extensions.ServiceCollectionDescriptorExtensions.TryAddEnumerable(services, " + Injection + "ServiceDescriptor.Singleton<" + Skills + "RecordedSchemas, GeneratedSchemas.OfAssembly>());");
        code.Line(Injection + "Extensions.ServiceCollectionDescriptorExtensions.TryAddSingleton<" + Skills + "SchemaRegistry>(services);");
        code.Line("return services;");
        code.Close();
        code.Close();
        return CanonicalEmitter.Header + code;
    }

    /// <summary>The generated file of a skill.</summary>
    public static string HintName(SkillModel skill) => "GeneratedSkills." + ClassName(skill) + ".g.cs";

    private static CodeWriter Begin(string space)
    {
        var code = new CodeWriter();
        code.Line("namespace " + space + ";");
        code.Line();
        return code;
    }

    private static void Property(CodeWriter code, string type, string name, string value)
    {
        code.Line("public override " + type + " " + name + " => " + value + ";");
        code.Line();
    }

    private static void Call(CodeWriter code, SkillModel skill)
    {
        code.Open("private sealed class Call : " + Skills + "SkillCall");
        code.Line("private readonly " + skill.Parameters + " _parameters;");
        code.Line();
        code.Open("public Call(" + skill.Parameters + " parameters)");
        code.Line("_parameters = parameters;");
        code.Line("Parameters = " + Format + "CanonicalJson.Of(parameters);");
        code.Close();
        code.Line();
        code.Line("public override " + Format + "CanonicalJson Parameters { get; }");
        code.Line();
        if (skill.Repeats is not null)
            Property(code, "bool", "MayRepeat", "MayRepeatBy<" + skill.Repeats + ", " + skill.Parameters + ">(_parameters)");
        if (skill.Limits is not null)
        {
            code.Line(
                "public override " + Skills + "UseLimit? MostOf(global::System.IServiceProvider services, " + Format + "TenantId tenant) => MostBy<"
                + skill.Limits + ", " + skill.Parameters + ">(_parameters, services, tenant);");
            code.Line();
        }

        code.Open(
            "public override async global::System.Threading.Tasks.ValueTask<" + Skills + "SkillOutcome> ExecuteAsync("
            + "global::System.IServiceProvider services, " + Skills + "SkillContext context, global::System.Threading.CancellationToken cancellationToken)");
        code.Open("try");
        var target = skill.Instance is null ? skill.Method : Injection + "ServiceProviderServiceExtensions.GetRequiredService<" + skill.Instance + ">(services)." + skill.Method;
        code.Line("var result = await " + target + "(_parameters, context, cancellationToken).ConfigureAwait(false);");
        Return(code, skill);
        code.Close();
        code.Open("catch (" + Skills + "SkillException failed)");
        code.Line("return new " + Skills + "SkillOutcome(null, failed.Failure);");
        code.Close();
        code.Close();
        code.Close();
    }

    private static void Return(CodeWriter code, SkillModel skill)
    {
        var nothing = "throw new global::System.InvalidOperationException(" + Literal.Text($"skill \"{skill.Name}\" returned neither an outcome nor a failure") + ");";
        if (skill.Result == ResultForm.SkillResult)
        {
            code.Line("if (result.Outcome is null && result.Failure is null)");
            code.Line("    " + nothing);
            code.Line("return new " + Skills + "SkillOutcome(result.Outcome is null ? null : " + Format + "CanonicalJson.Of(result.Outcome), result.Failure);");
            return;
        }

        if (skill.Result == ResultForm.Reference)
        {
            code.Line("if (result is null)");
            code.Line("    " + nothing);
        }

        code.Line("return new " + Skills + "SkillOutcome(" + Format + "CanonicalJson.Of(result), null);");
    }

    /// <summary>Two names that differ only in case or punctuation must not become one file or class.</summary>
    private static string ClassName(SkillModel skill)
    {
        var plain = skill.Name.All(static c => c is '_' or (>= '0' and <= '9') or (>= 'a' and <= 'z'));
        return "Skill_" + (plain ? skill.Name : Literal.Identifier(skill.Name) + "_" + Literal.Digits(skill.Name));
    }
}
