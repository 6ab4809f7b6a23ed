namespace RunProof.Cli.Tests;

/// <summary>Files that commands leave behind: whole, or as they were.</summary>
public sealed class OutputFileTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_file_is_replaced_and_nothing_is_left_beside_it()
    {
        var file = _folder.Write("report.md", "old and longer");
        await OutputFile.WriteAsync(file, "new"u8.ToArray(), TestContext.Current.CancellationToken);
        Assert.Equal("new", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        Assert.Equal([file], Directory.GetFileSystemEntries(_folder.Root));
    }

    [Fact]
    public async Task What_cannot_be_written_leaves_the_file_as_it_was()
    {
        var file = _folder.Write("report.md", "old");
        Directory.CreateDirectory(file + ".new");
        var refused = await Assert.ThrowsAsync<CommandException>(() => OutputFile.WriteAsync(file, "new"u8.ToArray(), default));
        Assert.Contains(file, refused.Message, StringComparison.Ordinal);
        Assert.Equal("old", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        Directory.Delete(file + ".new");
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => OutputFile.WriteAsync(file, "new"u8.ToArray(), cancelled.Token));
        Assert.Equal([file], Directory.GetFileSystemEntries(_folder.Root));
        Assert.Equal("old", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
    }
}
