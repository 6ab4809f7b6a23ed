using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace RunProof.AppHost.Tests;

/// <summary>AppHost.cs must compile against Aspire 13.5.2 as well as against LocalHosting, and only the latter is compiled here.</summary>
public sealed class AspireApiTests
{
    /// <summary>What AppHost.cs may call: public, not experimental, not obsolete in Aspire.Hosting and Aspire.Hosting.PostgreSQL 13.5.2.</summary>
    private static readonly HashSet<string> Members = new(StringComparer.Ordinal)
    {
        "CreateBuilder", "Build", "Run", "AppHostDirectory",
        "AddPostgres", "AddDatabase", "WithDataVolume", "AddParameter", "AddProject",
        "WithReference", "WithEnvironment", "WithArgs", "WithHttpEndpoint", "WithHttpHealthCheck", "WaitFor", "WaitForCompletion",
        "Resource", "Host", "Port", "DatabaseName", "Create",
    };

    private static readonly HashSet<string> Types = new(StringComparer.Ordinal)
    {
        "DistributedApplication", "IResourceBuilder", "ParameterResource", "ReferenceExpression", "GenerateParameterDefault",
    };

    private static readonly HashSet<string> OfDotnet = new(StringComparer.Ordinal) { "Path", "Combine", "GetFullPath", "Environment", "GetEnvironmentVariable", "args", "builder", "ResourceNames" };

    [Fact]
    public void The_graph_uses_only_what_Aspire_13_5_2_has()
    {
        var root = Parse();
        var locals = root.DescendantNodes().OfType<VariableDeclaratorSyntax>().Select(variable => variable.Identifier.Text)
            .Concat(root.DescendantNodes().OfType<ParameterSyntax>().Select(parameter => parameter.Identifier.Text))
            .Concat(root.DescendantNodes().OfType<SingleVariableDesignationSyntax>().Select(variable => variable.Identifier.Text))
            .Concat(root.DescendantNodes().OfType<LocalFunctionStatementSyntax>().Select(function => function.Identifier.Text)).ToHashSet(StringComparer.Ordinal);
        var used = root.DescendantNodes().OfType<SimpleNameSyntax>().Where(name => !IsOurs(name)).Select(name => name.Identifier.Text);
        Assert.Empty(used.Where(name => name is not "var" && !Members.Contains(name) && !Types.Contains(name) && !OfDotnet.Contains(name) && !locals.Contains(name)).Distinct());
    }

    [Fact]
    public void The_graph_is_a_sentence_of_at_most_60_lines() => Assert.InRange(File.ReadAllLines(AppHostFile).Length, 20, 60);

    [Fact]
    public void Every_argument_that_is_named_has_the_name_that_Aspire_gives_it()
    {
        string[] known = ["password", "secret", "persist", "launchProfileName"];
        Assert.Empty(Parse().DescendantNodes().OfType<NameColonSyntax>().Where(name => name.Parent is ArgumentSyntax).Select(name => name.Name.Identifier.Text).Except(known));
    }

    [Fact]
    public void Every_name_of_a_resource_is_one_that_Aspire_allows()
    {
        var names = typeof(RunProof.ServiceDefaults.ResourceNames).GetFields().Select(field => (string)field.GetRawConstantValue()!);
        Assert.All(names, name => Assert.Matches("^[A-Za-z](?:[A-Za-z0-9]|-(?!-|$)){0,63}$", name));
    }

    // Projects.*, ResourceNames.*, using directives and what stands for a member's initializer.
    private static bool IsOurs(SimpleNameSyntax name) =>
        name.Ancestors().Any(parent => parent is UsingDirectiveSyntax or NameColonSyntax or QualifiedNameSyntax)
        || name.Parent is MemberAccessExpressionSyntax { Expression: IdentifierNameSyntax { Identifier.Text: "ResourceNames" } }
        || name.Parent is AssignmentExpressionSyntax { Left: IdentifierNameSyntax { Identifier.Text: "MinLength" or "Special" } };

    private static SyntaxNode Parse() => CSharpSyntaxTree.ParseText(File.ReadAllText(AppHostFile)).GetRoot();

    private static string AppHostFile
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(folder!.FullName, "RunProof.sln")))
                folder = folder.Parent;
            return Path.Combine(folder.FullName, "AppHost", "AppHost.cs");
        }
    }
}
