using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using RunProof.AppHost;

namespace Aspire.Hosting;

/// <summary>The calls of Aspire's app model that AppHost.cs makes, and no other.</summary>
public static class ResourceBuilderExtensions
{
    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, string name, ParameterDefault value,
        bool secret = false, bool persist = false)
    {
        var model = (LocalApplicationBuilder)builder;
        return model.Add(new ParameterResource(name, () => model.Parameters.Get(name, value, persist), secret));
    }

    public static IResourceBuilder<PostgresServerResource> AddPostgres(this IDistributedApplicationBuilder builder, string name,
        IResourceBuilder<ParameterResource>? userName = null, IResourceBuilder<ParameterResource>? password = null, int? port = null)
    {
        if (userName is not null)
            throw new NotSupportedException("LocalHosting's PostgreSQL has the user 'postgres'.");
        password ??= builder.AddParameter($"{name}-password", new GenerateParameterDefault { Special = false }, secret: true, persist: true);
        var server = new PostgresServerResource(name, password.Resource) { RunningPort = port?.ToString(CultureInfo.InvariantCulture) };
        return ((LocalApplicationBuilder)builder).Add(server);
    }

    /// <summary>Does nothing here: the data is always kept.</summary>
    public static IResourceBuilder<PostgresServerResource> WithDataVolume(this IResourceBuilder<PostgresServerResource> builder, string? name = null,
        bool isReadOnly = false) => builder;

    public static IResourceBuilder<PostgresDatabaseResource> AddDatabase(this IResourceBuilder<PostgresServerResource> builder, string name,
        string? databaseName = null) =>
        ((LocalApplicationBuilder)builder.ApplicationBuilder).Add(new PostgresDatabaseResource(name, databaseName ?? name, builder.Resource));

    public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder, string name, string? launchProfileName)
        where TProject : IProjectMetadata, new() =>
        launchProfileName is null
            ? ((LocalApplicationBuilder)builder).Add(new ProjectResource(name, new TProject()))
            : throw new NotSupportedException("LocalHosting reads no launch profiles.");

    public static IResourceBuilder<ProjectResource> WithHttpEndpoint(this IResourceBuilder<ProjectResource> builder, int? port = null)
    {
        builder.Resource.HasHttpEndpoint = true;
        builder.Resource.Port = port ?? 0;
        return builder;
    }

    public static IResourceBuilder<ProjectResource> WithHttpHealthCheck(this IResourceBuilder<ProjectResource> builder, string? path = null)
    {
        if (!builder.Resource.HasHttpEndpoint)
            throw new InvalidOperationException($"'{builder.Resource.Name}' has no http endpoint to check.");
        builder.Resource.HealthPath = path ?? "/";
        return builder;
    }

    public static IResourceBuilder<ProjectResource> WithArgs(this IResourceBuilder<ProjectResource> builder, params string[] args)
    {
        builder.Resource.Arguments.AddRange(args);
        return builder;
    }

    public static IResourceBuilder<ProjectResource> WithEnvironment(this IResourceBuilder<ProjectResource> builder, string name, string? value) =>
        builder.WithEnvironment(name, ReferenceExpression.Create($"{value}"));

    public static IResourceBuilder<ProjectResource> WithEnvironment(this IResourceBuilder<ProjectResource> builder, string name,
        IResourceBuilder<ParameterResource> parameter) => builder.WithEnvironment(name, ReferenceExpression.Create($"{parameter}"));

    public static IResourceBuilder<ProjectResource> WithEnvironment(this IResourceBuilder<ProjectResource> builder, string name, ReferenceExpression value)
    {
        builder.Resource.Environment.Add(new(name, value));
        return builder;
    }

    public static IResourceBuilder<ProjectResource> WithReference(this IResourceBuilder<ProjectResource> builder,
        IResourceBuilder<IResourceWithConnectionString> source)
    {
        builder.Resource.References.Add(source.Resource);
        return builder;
    }

    public static IResourceBuilder<ProjectResource> WithReference(this IResourceBuilder<ProjectResource> builder,
        IResourceBuilder<IResourceWithServiceDiscovery> source)
    {
        builder.Resource.References.Add(source.Resource);
        return builder;
    }

    public static IResourceBuilder<ProjectResource> WaitFor(this IResourceBuilder<ProjectResource> builder, IResourceBuilder<IResource> dependency)
    {
        builder.Resource.Waits.Add(new Wait(dependency.Resource, ExitCode: null));
        return builder;
    }

    public static IResourceBuilder<ProjectResource> WaitForCompletion(this IResourceBuilder<ProjectResource> builder, IResourceBuilder<IResource> dependency,
        int exitCode = 0)
    {
        builder.Resource.Waits.Add(new Wait(dependency.Resource, exitCode));
        return builder;
    }
}
