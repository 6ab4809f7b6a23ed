using RunProof.Format;
using RunProof.Skills;
using static RunProof.Postgres.Tests.StoreDatabase;

namespace RunProof.Postgres.Tests;

public sealed class KeyValueStoreTests(StoreDatabase database) : IClassFixture<StoreDatabase>
{
    private static readonly CanonicalJson One = CanonicalJson.Parse("""{"é":"\u0000","n":[1]}"""u8);
    private static readonly CanonicalJson Two = CanonicalJson.Parse("2"u8);

    private IKeyValueStore Store => new PostgresKeyValueStore(database.Runner);

    [Fact]
    public async Task A_value_comes_back_to_the_byte_and_each_change_raises_the_version()
    {
        Assert.Equal(new KeyValue(null, 0), await Store.GetAsync(T1, "a", default));
        Assert.Equal(new KeyValueChange(true, 1), await Store.SetAsync(T1, "a", One, null, "c1", default));
        Assert.Equal(new KeyValue(One, 1), await Store.GetAsync(T1, "a", default));
        Assert.Equal(new KeyValueChange(true, 2), await Store.SetAsync(T1, "a", null, 1, "c2", default));
        Assert.Equal(new KeyValue(null, 2), await Store.GetAsync(T1, "a", default));
        Assert.Equal(new KeyValueChange(false, 2), await Store.SetAsync(T1, "a", Two, 0, "c3", default));
        Assert.Equal(new KeyValueChange(true, 3), await Store.SetAsync(T1, "a", Two, 2, "c4", default));
    }

    [Fact]
    public async Task A_key_of_another_tenant_is_another_key()
    {
        await Store.SetAsync(T1, "mine", One, null, "c", default);
        Assert.Equal(new KeyValue(null, 0), await Store.GetAsync(T2, "mine", default));
    }

    [Fact]
    public async Task A_change_that_is_made_again_under_its_name_is_made_once_also_behind_anothers()
    {
        Assert.Equal(new KeyValueChange(true, 1), await Store.SetAsync(T1, "again", One, 0, "first", default));
        Assert.Equal(new KeyValueChange(true, 1), await Store.SetAsync(T1, "again", One, 0, "first", default));
        for (var i = 2; i <= 32; i++)
            Assert.Equal(new KeyValueChange(true, i), await Store.SetAsync(T1, "again", Two, i - 1, $"c{i}", default));

        Assert.Equal(new KeyValueChange(true, 1), await Store.SetAsync(T1, "again", One, 0, "first", default));
        Assert.Equal(new KeyValue(Two, 32), await Store.GetAsync(T1, "again", default));

        // The 33rd change is the last one that its name is remembered behind.
        await Store.SetAsync(T1, "again", Two, null, "c33", default);
        Assert.Equal(new KeyValueChange(true, 2), await Store.SetAsync(T1, "again", Two, 1, "c2", default));
        Assert.Equal(new KeyValueChange(false, 33), await Store.SetAsync(T1, "again", One, 0, "first", default));
    }

    [Fact]
    public async Task Of_many_that_count_at_once_each_counts_once()
    {
        async Task CountAsync(int worker)
        {
            for (var done = false; !done;)
            {
                var standing = await Store.GetAsync(T1, "counter", default);
                var next = (standing.Value is { } value ? int.Parse(value.ToString(), System.Globalization.CultureInfo.InvariantCulture) : 0) + 1;
                done = (await Store.SetAsync(T1, "counter", CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes(next.ToString(System.Globalization.CultureInfo.InvariantCulture))), standing.Version, $"{worker}:{standing.Version}", default)).Changed;
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 16).Select(CountAsync));
        Assert.Equal(new KeyValue(CanonicalJson.Parse("16"u8), 16), await Store.GetAsync(T1, "counter", default));
    }

    [Fact]
    public async Task A_store_that_is_not_there_is_a_failure_to_try_again()
    {
        await using var nowhere = Npgsql.NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Database=x;Username=x;Timeout=2");
        var thrown = await Assert.ThrowsAsync<SkillException>(() => new PostgresKeyValueStore(nowhere).GetAsync(T1, "a", default));
        Assert.Equal(("store_unavailable", true), (thrown.Failure.Code, thrown.Failure.Retryable));
    }

    [Fact]
    public async Task No_service_role_reads_the_table_itself()
    {
        var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(async () =>
        {
            await using var command = database.Runner.CreateCommand("SELECT * FROM runproof.kv");
            await command.ExecuteNonQueryAsync();
        });
        Assert.Equal("42501", refused.SqlState);
    }
}
