namespace RunProof.Packages.Tests;

/// <summary>A stranger's project, in a folder outside the repository: one reference, to a package that was just packed.</summary>
public sealed class FreshProject(PackedPackages packages) : IAsyncLifetime
{
    /// <summary>A whole program: what a skill author writes, and three lines that show what was generated from it.</summary>
    internal const string Program = """
        Console.WriteLine(GreetParameters.JsonSchema);
        Console.WriteLine(GreetParameters.CanonicalFingerprint);
        Console.WriteLine(CanonicalJson.Of(new GreetParameters("Ada \u20ac", Times: 2, Of: DateTimeOffset.UnixEpoch)));

        /// <summary>Greets somebody.</summary>
        [Skill("greet", Version = "1.0.0")]
        public sealed partial class GreetSkill
        {
            public Task<Greeting> ExecuteAsync(GreetParameters parameters, SkillContext context, CancellationToken cancellationToken) =>
                Task.FromResult(new Greeting($"Hello, {parameters.Name}!"));
        }

        /// <param name="Name">Whom.</param>
        [Canonical] public sealed partial record GreetParameters(string Name, int Times = 1, DateTimeOffset? Of = null);
        [Canonical] public sealed partial record Greeting(string Text);
        """;

    private const string Project = $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup>
            <OutputType>Exe</OutputType>
            <TargetFramework>net10.0</TargetFramework>
            <Nullable>enable</Nullable>
            <ImplicitUsings>enable</ImplicitUsings>
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="RunProof.Skills" Version="{PackedPackages.Version}" />
            <Using Include="RunProof.Format" />
            <Using Include="RunProof.Skills" />
          </ItemGroup>
        </Project>
        """;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("runproof-fresh-");

    /// <summary>The project's folder.</summary>
    internal string Folder => Path.Combine(_folder.FullName, "Greeter");

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(Folder);
        // One source, the packed folder. What else is needed, the repository's restore has brought already; no network is asked.
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "nuget.config"), $"""
            <configuration>
              <packageSources><clear /><add key="packed" value="{packages.Folder}" /></packageSources>
              <fallbackPackageFolders><clear /><add key="restored" value="{PackedPackages.Restored}" /></fallbackPackageFolders>
            </configuration>
            """);
        await WriteAsync("Greeter.csproj", Project);
        await WriteAsync("Program.cs", Program);
        (await RunAsync("restore")).Succeeds();
    }

    /// <summary>Writes a file of the project.</summary>
    internal Task WriteAsync(string file, string text) => File.WriteAllTextAsync(Path.Combine(Folder, file), text);

    /// <summary>Calls the SDK in the project's folder, with an empty package cache of its own.</summary>
    internal Task<DotNet.Result> RunAsync(params string[] arguments) => DotNet.RunAsync(Folder, Path.Combine(_folder.FullName, "cache"), arguments);

    public ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}
