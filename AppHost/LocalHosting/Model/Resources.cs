namespace Aspire.Hosting.ApplicationModel;

/// <summary>Something that the AppHost names.</summary>
public interface IResource
{
    string Name { get; }
}

/// <summary>Something whose text is known once it runs.</summary>
public interface IValueProvider
{
    ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default);
}

/// <summary>Something with a connection string.</summary>
public interface IResourceWithConnectionString : IResource
{
    ReferenceExpression ConnectionStringExpression { get; }

    /// <summary>Its parts, by the names that Aspire gives them.</summary>
    IEnumerable<KeyValuePair<string, ReferenceExpression>> GetConnectionProperties();
}

/// <summary>Something whose addresses others can be told.</summary>
public interface IResourceWithServiceDiscovery : IResource;

/// <summary>A resource on its way into the model.</summary>
public interface IResourceBuilder<out T>
    where T : IResource
{
    T Resource { get; }

    IDistributedApplicationBuilder ApplicationBuilder { get; }
}

internal sealed record ResourceBuilder<T>(T Resource, IDistributedApplicationBuilder ApplicationBuilder) : IResourceBuilder<T>
    where T : IResource;

/// <summary>A value from configuration (<c>Parameters__name</c>), else its default.</summary>
public sealed class ParameterResource(string name, Func<string> value, bool secret) : IResource, IValueProvider
{
    public string Name { get; } = name;

    public bool Secret { get; } = secret;

    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult<string?>(value());
}

/// <summary>One part of an address, known once its owner runs.</summary>
public sealed class EndpointReferenceExpression(Func<string?> value) : IValueProvider
{
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<string?>(value() ?? throw new InvalidOperationException("The address is asked for before its owner runs."));
}

/// <summary>A PostgreSQL server; here an embedded one.</summary>
public sealed class PostgresServerResource : IResourceWithConnectionString
{
    internal PostgresServerResource(string name, ParameterResource password)
    {
        Name = name;
        PasswordParameter = password;
        Host = new EndpointReferenceExpression(() => RunningHost);
        Port = new EndpointReferenceExpression(() => RunningPort);
    }

    public string Name { get; }

    public ParameterResource PasswordParameter { get; }

    public EndpointReferenceExpression Host { get; }

    public EndpointReferenceExpression Port { get; }

    public ReferenceExpression ConnectionStringExpression =>
        ReferenceExpression.Create($"Host={Host};Port={Port};Username={UserName};Password={PasswordParameter}");

    internal const string UserName = "postgres";

    internal string? RunningHost { get; set; }

    internal string? RunningPort { get; set; }

    public IEnumerable<KeyValuePair<string, ReferenceExpression>> GetConnectionProperties() =>
    [
        new("Host", ReferenceExpression.Create($"{Host}")),
        new("Port", ReferenceExpression.Create($"{Port}")),
        new("Username", ReferenceExpression.Create($"{UserName}")),
        new("Password", ReferenceExpression.Create($"{PasswordParameter}")),
        new("Uri", ReferenceExpression.Create($"postgresql://{UserName}:{PasswordParameter}@{Host}:{Port}")),
        new("JdbcConnectionString", ReferenceExpression.Create($"jdbc:postgresql://{Host}:{Port}")),
    ];
}

/// <summary>A database of a server, made when the server is ready.</summary>
public sealed class PostgresDatabaseResource : IResourceWithConnectionString
{
    internal PostgresDatabaseResource(string name, string databaseName, PostgresServerResource parent)
    {
        Name = name;
        DatabaseName = databaseName;
        Parent = parent;
    }

    public string Name { get; }

    public string DatabaseName { get; }

    public PostgresServerResource Parent { get; }

    public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create($"{Parent.ConnectionStringExpression};Database={DatabaseName}");

    public IEnumerable<KeyValuePair<string, ReferenceExpression>> GetConnectionProperties() =>
    [
        .. Parent.GetConnectionProperties().Where(property => property.Key is not ("Uri" or "JdbcConnectionString")),
        new("DatabaseName", ReferenceExpression.Create($"{DatabaseName}")),
        new("Uri", ReferenceExpression.Create($"postgresql://{PostgresServerResource.UserName}:{Parent.PasswordParameter}@{Parent.Host}:{Parent.Port}/{DatabaseName}")),
        new("JdbcConnectionString", ReferenceExpression.Create($"jdbc:postgresql://{Parent.Host}:{Parent.Port}/{DatabaseName}")),
    ];
}

/// <summary>A .NET project, run from what the build made of it.</summary>
public sealed class ProjectResource : IResourceWithServiceDiscovery
{
    internal ProjectResource(string name, IProjectMetadata project)
    {
        Name = name;
        Project = project;
    }

    public string Name { get; }

    internal IProjectMetadata Project { get; }

    internal List<string> Arguments { get; } = [];

    internal List<KeyValuePair<string, ReferenceExpression>> Environment { get; } = [];

    internal List<IResource> References { get; } = [];

    internal List<Wait> Waits { get; } = [];

    /// <summary>Whether it serves HTTP.</summary>
    internal bool HasHttpEndpoint { get; set; }

    /// <summary>The port asked for, or 0 for a free one.</summary>
    internal int Port { get; set; }

    internal string? HealthPath { get; set; }

    /// <summary>Where it serves HTTP, once the ports are given out.</summary>
    internal string Url => $"http://localhost:{Port}";
}

/// <summary>What must be true of another resource before one starts.</summary>
/// <param name="On">The other.</param>
/// <param name="ExitCode">The exit code that it must have ended with, or null: it must be ready.</param>
internal sealed record Wait(IResource On, int? ExitCode);
