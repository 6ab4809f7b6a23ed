using RunProof.ServiceDefaults;

// postgres → runproofdb → migrator (runs once) → runner, verifier → validate (runs once, ends in a verdict)
var builder = DistributedApplication.CreateBuilder(args);

var data = DataFolder();
var postgres = builder.AddPostgres(ResourceNames.Postgres, password: Secret("postgres-password")).WithDataVolume();
var database = postgres.AddDatabase(ResourceNames.Database);
var runnerPassword = Secret("runner-database-password");
var verifierPassword = Secret("verifier-database-password");
var auditorPassword = Secret("auditor-database-password");
var apiKey = ReferenceExpression.Create($"rpk_{Secret(ResourceNames.DevelopmentKey)}");

var migrator = builder.AddProject<Projects.RunProof_Migrator>(ResourceNames.Migrator, launchProfileName: null)
    .WithReference(database)
    .WithEnvironment("RunProof__Roles__Runner__Password", runnerPassword)
    .WithEnvironment("RunProof__Roles__Verifier__Password", verifierPassword)
    .WithEnvironment("RunProof__Roles__Auditor__Password", auditorPassword)
    .WithEnvironment("RunProof__Development__ApiKey", apiKey)
    .WaitFor(database);

var runner = builder.AddProject<Projects.RunProof_Runner>(ResourceNames.Runner, launchProfileName: null)
    .WithHttpEndpoint()
    .WithHttpHealthCheck("/health")
    .WithEnvironment($"ConnectionStrings__{ResourceNames.Database}", Login("runproof_runner_login", runnerPassword))
    .WaitForCompletion(migrator);

var verifier = builder.AddProject<Projects.RunProof_Verifier>(ResourceNames.Verifier, launchProfileName: null)
    .WithHttpEndpoint()
    .WithHttpHealthCheck("/health")
    .WithEnvironment($"ConnectionStrings__{ResourceNames.Database}", Login("runproof_verifier_login", verifierPassword))
    .WithEnvironment("RunProof__Log__KeyFolder", Path.Combine(data, "keys"))
    .WaitForCompletion(migrator);

builder.AddProject<Projects.RunProof_Cli>(ResourceNames.Validate, launchProfileName: null)
    .WithArgs("validate")
    .WithReference(runner)
    .WithReference(verifier)
    .WithEnvironment($"ConnectionStrings__{ResourceNames.Database}", Login("runproof_auditor_login", auditorPassword))
    .WithEnvironment("RUNPROOF_API_KEY", apiKey)
    .WithEnvironment("RUNPROOF_REPORT", Path.Combine(data, "validation-report.md"))
    .WaitFor(runner)
    .WaitFor(verifier);

builder.Build().Run();

// Generated at the first start and kept: a second start finds the same database and the same key.
IResourceBuilder<ParameterResource> Secret(string name) =>
    builder.AddParameter(name, new GenerateParameterDefault { MinLength = 43, Special = false }, secret: true, persist: true);

// Keys and report lie where database and passwords do, so that one folder is one installation.
string DataFolder() =>
    Path.GetFullPath(Environment.GetEnvironmentVariable("RUNPROOF_DATA") is { Length: > 0 } named ? named : Path.Combine(builder.AppHostDirectory, "..", ".runproof"));

// A service holds the login of its own role and no other: only the migrator is given the superuser's.
ReferenceExpression Login(string login, IResourceBuilder<ParameterResource> password) => ReferenceExpression.Create(
    $"Host={postgres.Resource.Host};Port={postgres.Resource.Port};Username={login};Password={password};Database={database.Resource.DatabaseName}");
