using RunProof.Format;

namespace RunProof.Ledger.Tests;

/// <summary>The auditor's memory: kept whole, held by one, never taken for none.</summary>
public sealed class AuditStates : IDisposable
{
    private const string Origin = "test.example/acme";

    private static readonly DateTimeOffset Now = new(2026, 2, 10, 12, 0, 0, TimeSpan.Zero);

    private readonly string _folder = Directory.CreateTempSubdirectory("audit-state-").FullName;

    private string Path => System.IO.Path.Combine(_folder, "deeper", "state.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_file_that_is_not_there_remembers_nothing()
    {
        using var file = AuditStateFile.Open(Path, Origin);
        Assert.Null(file.State.Audited);
        Assert.Null(file.State.Progress);
        Assert.False(File.Exists(Path));
    }

    [Fact]
    public void What_was_saved_is_read_again()
    {
        var state = State();
        using (var file = AuditStateFile.Open(Path, Origin))
            file.Save(state);
        using var again = AuditStateFile.Open(Path, Origin);
        Assert.Equal(System.Text.Json.JsonSerializer.Serialize(state), System.Text.Json.JsonSerializer.Serialize(again.State));
        Assert.False(File.Exists(Path + ".new"));
    }

    [Fact]
    public void Only_its_owner_may_read_it()
    {
        if (OperatingSystem.IsWindows())
            return;
        using var file = AuditStateFile.Open(Path, Origin);
        file.Save(State());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
    }

    [Fact]
    public void Two_audits_do_not_share_a_file()
    {
        using var file = AuditStateFile.Open(Path, Origin);
        var problem = Assert.Throws<AuditStateException>(() => AuditStateFile.Open(Path, Origin));
        Assert.Contains("another audit holds", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_another_log_is_refused()
    {
        using (var file = AuditStateFile.Open(Path, Origin))
            file.Save(State());
        var problem = Assert.Throws<AuditStateException>(() => AuditStateFile.Open(Path, "test.example/other"));
        Assert.Contains("is of the log test.example/acme", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "damaged")]
    [InlineData("{", "damaged")]
    [InlineData("null", "damaged: it holds nothing")]
    [InlineData("""{"format":"runproof/audit-state/v1","origin":"test.example/acme","more":1}""", "damaged")]
    [InlineData("""{"format":"runproof/audit-state/v2","origin":"test.example/acme"}""", "its format is \"runproof/audit-state/v2\"")]
    [InlineData("""{"format":"runproof/audit-state/v1"}""", "damaged")]
    public void A_damaged_file_is_never_taken_for_none(string content, string said)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        File.WriteAllText(Path, content);
        var problem = Assert.Throws<AuditStateException>(() => AuditStateFile.Open(Path, Origin));
        Assert.Contains(said, problem.Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(Path));
        // The lock was let go of.
        Assert.Contains("damaged", Assert.Throws<AuditStateException>(() => AuditStateFile.Open(Path, Origin)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parts_that_do_not_belong_together_are_damage()
    {
        var state = State();
        foreach (var wrong in (AuditState[])
        [
            state with { Audited = state.Audited! with { Size = 2 } },
            state with { Audited = state.Audited! with { Edge = [Digest.Of("other"u8), state.Audited!.Edge[1]] } },
            state with { Audited = state.Audited! with { CleanSize = 4 } },
            state with { Audited = state.Audited! with { Note = "no note" } },
            state with { Progress = state.Progress! with { Position = 4 } },
            state with { Progress = state.Progress! with { From = 3 } },
            state with { Progress = state.Progress! with { Edge = [] } },
        ])
        {
            using (var file = AuditStateFile.Open(Path, Origin))
                file.Save(wrong);
            Assert.Contains("damaged", Assert.Throws<AuditStateException>(() => AuditStateFile.Open(Path, Origin)).Message, StringComparison.Ordinal);
            File.Delete(Path);
        }
    }

    [Fact]
    public void Each_log_has_a_file_of_its_own_in_the_users_state_folder()
    {
        string? Variable(string name) => name switch { "XDG_STATE_HOME" => System.IO.Path.GetTempPath(), _ => null };
        var path = AuditStateFile.DefaultPath(Origin, Variable);
        Assert.Equal(System.IO.Path.Combine(System.IO.Path.GetTempPath(), "runproof", "audit", "test.example%2Facme.json"), path);
        var (one, two) = (AuditStateFile.DefaultPath(new string('/', 250), Variable), AuditStateFile.DefaultPath(new string('/', 251), Variable));
        Assert.NotEqual(one, two);
        Assert.True(System.IO.Path.GetFileName(one).Length < 200);
    }

    private static AuditState State()
    {
        var tree = new MerkleTree();
        foreach (var leaf in (string[])["a", "b", "c"])
            tree.AppendLeafHash(MerkleTree.LeafHash(System.Text.Encoding.ASCII.GetBytes(leaf)));
        var note = new SignedNote(new Checkpoint(Origin, 3, tree.Root()).Text, [new NoteSignature(Origin, 1, new byte[64])]).ToString();
        return new AuditState
        {
            Origin = Origin,
            Audited = new AuditedCheckpoint
            {
                Note = note, Size = 3, Edge = [.. tree.Edge], Key = "key", IsKeyIndependent = true, AuditedAt = Now, NewerThan = Now.AddSeconds(-1), CleanSize = 2,
                Open = new Dictionary<string, long> { ["trace_One"] = 2 },
            },
            Progress = new AuditProgress
            {
                Kind = "database", Note = note, From = 0, Position = 2, Edge = [tree.Edge[0]], BeganAt = Now,
                Counts = new Dictionary<string, long> { ["steps"] = 7 }, Findings = [new AuditFinding("CODE", 1, "trace_One", "place", "message")], FindingCounts = new Dictionary<string, long> { ["CODE"] = 1 },
            },
        };
    }
}
