namespace RunProof.ServiceDefaults;

/// <summary>The names that the AppHost gives to what it starts. A service finds another, or its database, in configuration under the same name.</summary>
public static class ResourceNames
{
    /// <summary>The PostgreSQL server.</summary>
    public const string Postgres = "postgres";

    /// <summary>The database, and the connection string: <c>ConnectionStrings__runproofdb</c>.</summary>
    public const string Database = "runproofdb";

    /// <summary>Brings the schema to its version, then exits.</summary>
    public const string Migrator = "migrator";

    /// <summary>The runner's API: <c>services__runner__http__0</c>.</summary>
    public const string Runner = "runner";

    /// <summary>The verifier's API: <c>services__verifier__http__0</c>.</summary>
    public const string Verifier = "verifier";

    /// <summary>The acceptance run, once at start-up.</summary>
    public const string Validate = "validate";

    /// <summary>The parameter behind the development tenant's API key.</summary>
    public const string DevelopmentKey = "development-api-key";
}
