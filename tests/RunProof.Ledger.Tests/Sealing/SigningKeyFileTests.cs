using RunProof.Format;
using RunProof.Testing;

namespace RunProof.Ledger.Tests;

public sealed class SigningKeyFileTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"runproof-keys-{Guid.NewGuid():N}");

    private string File1 => Path.Combine(_folder, "deep", SigningKeyFile.FileName);

    public void Dispose()
    {
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void A_key_file_is_made_once_for_its_owner_alone()
    {
        var first = SigningKeyFile.OpenOrCreate(File1, "test.example", out var isNew);
        Assert.True(isNew);
        var second = SigningKeyFile.OpenOrCreate(File1, "test.example", out isNew);
        Assert.False(isNew);
        Assert.Equal(first.KeyOf("o"), second.KeyOf("o"));
        Assert.StartsWith("PRIVATE+KEY+test.example+", File.ReadAllText(File1), StringComparison.Ordinal);
        Assert.Equal([File1], Directory.GetFiles(Path.GetDirectoryName(File1)!));
        if (OperatingSystem.IsWindows())
            return;
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(File1));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(File1)!));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherExecute)]
    public void A_file_that_others_can_reach_is_refused_by_name_and_without_its_content(UnixFileMode more)
    {
        if (OperatingSystem.IsWindows())
            return;
        SigningKeyFile.TryCreate(File1, "test.example");
        File.SetUnixFileMode(File1, UnixFileMode.UserRead | UnixFileMode.UserWrite | more);
        var refused = Assert.Throws<SigningKeyFileException>(() => SigningKeyFile.Load(File1));
        Assert.Contains(File1, refused.Message, StringComparison.Ordinal);
        Assert.Contains("chmod 600", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(File.ReadAllText(File1).Trim()[^20..], refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("PRIVATE+KEY+x")]
    [InlineData("PRIVATE+KEY+test.example+00000000+AQcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH")]
    public void A_file_without_a_key_is_refused(string text)
    {
        SigningKeyFile.TryCreate(File1, "test.example");
        File.WriteAllText(File1, text);
        Assert.Throws<SigningKeyFileException>(() => SigningKeyFile.Load(File1));
        Assert.Throws<SigningKeyFileException>(() => SigningKeyFile.OpenOrCreate(File1, "test.example", out _));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_told()
    {
        Directory.CreateDirectory(_folder);
        File.WriteAllText(Path.Combine(_folder, "deep"), "a file where the folder should be");
        Assert.Throws<SigningKeyFileException>(() => SigningKeyFile.OpenOrCreate(File1, "test.example", out _));
    }

    [Fact]
    public async Task Many_that_start_at_once_have_one_key()
    {
        var keys = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => SigningKeyFile.OpenOrCreate(File1, "test.example", out bool _).KeyOf("o"))));
        Assert.Single(keys.Distinct());
    }

    [Fact]
    public async Task A_rotation_puts_the_next_key_in_place_and_is_finished_by_running_it_again()
    {
        var log = new InMemoryLog();
        var file = SigningKeyFile.OpenOrCreate(File1, "test.example", out _);
        var sealer = new LogSealer(log, log, file, null, SealingFaults.Options, TimeProvider.System, new SealingMetrics(TimeProvider.System), Microsoft.Extensions.Logging.Abstractions.NullLogger<LogSealer>.Instance);
        await log.RecordAsync(0, 2);
        await SealingFaults.DrainAsync(sealer, log.Tenant);
        var old = SigningKeyFile.Load(File1);

        // Interrupted when the store had handed the log over and nobody knew.
        var store = new FaultyLogStore(log) { NextCommit = WriteFault.PersistedButReportedFailed };
        await Assert.ThrowsAsync<LogStoreException>(() => new KeyRotation(store, SealingFaults.Options, TimeProvider.System).RotateAsync(File1, [], null, default));
        Assert.Equal(old.Key, SigningKeyFile.Load(File1).Key);
        await Assert.ThrowsAsync<LogHaltedException>(() => sealer.SealAsync(log.Tenant, default));

        var (first, next, retired, handedOver) = await new KeyRotation(store, SealingFaults.Options, TimeProvider.System).RotateAsync(File1, [], null, default);
        Assert.Equal((old.Key, 0), (first, handedOver));
        Assert.NotEqual(old.Key, next);
        Assert.Equal(next, SigningKeyFile.Load(File1).Key);
        Assert.Equal(old.Key, SigningKeyFile.Load(retired).Key);
        Assert.Equal([Path.GetFileName(File1), $"{Path.GetFileName(File1)}.retired-{old.Key.Id:x8}"], Directory.GetFiles(Path.GetDirectoryName(File1)!).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.True(file.Refresh());
        await log.RecordAsync(2, 1);
        await SealingFaults.DrainAsync(sealer, log.Tenant);
        var report = await LogFsck.CheckAsync(log, log.Tenant, [SealingFaults.Verifier(SigningKeyFile.Load(File1), "test.example/acme")], default);
        Assert.Empty(report.Findings);
        Assert.Equal((7L, 2), (report.Entries, (await log.ReadKeysAsync(log.Tenant, default)).Count));
    }
}
