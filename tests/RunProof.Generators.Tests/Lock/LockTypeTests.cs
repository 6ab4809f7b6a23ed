namespace RunProof.Generators.Tests.Lock;

/// <summary>How the lock spells types, and what section 6 makes of it.</summary>
public sealed class LockTypeTests
{
    private const string Fingerprint = "b9ad22d9984de471f7703bdd0840b7ed86b7372be9ad11cf1932caac40b6806e";

    [Theory]
    [InlineData("text", "string")]
    [InlineData("boolean", "boolean")]
    [InlineData("int8", "integer")]
    [InlineData("int16", "integer")]
    [InlineData("int32", "integer")]
    [InlineData("uint8", "integer")]
    [InlineData("uint16", "integer")]
    [InlineData("uint32", "integer")]
    [InlineData("int64", "string")]
    [InlineData("uint64", "string")]
    [InlineData("int128", "string")]
    [InlineData("uint128", "string")]
    [InlineData("decimal", "string")]
    [InlineData("float32", "number")]
    [InlineData("float64", "number")]
    [InlineData("time", "time")]
    [InlineData("guid", "guid")]
    [InlineData("bytes", "bytes")]
    [InlineData("duration", "duration")]
    [InlineData("json", "json")]
    [InlineData("scalar(string)", "string")]
    [InlineData("scalar(integer)", "integer")]
    [InlineData("enum(a|b c|x[]?)", "enum(a|b c|x[]?)")]
    [InlineData("text?", "string?")]
    [InlineData("int64?[]?[]", "string?[]?[]")]
    [InlineData("map(map(text[])?)?", "map(map(string[])?)?")]
    [InlineData("record(order_item/1 " + Fingerprint + ")", Fingerprint)]
    [InlineData("map(record(a/b)/1 " + Fingerprint + ")?)[]", "map(" + Fingerprint + "?)[]")]
    public void A_spelling_is_read_and_printed_again(string spelling, string section6)
    {
        var type = LockTypeText.Parse(spelling)!;
        Assert.Equal(spelling, type.Spelling);
        Assert.Equal(section6, type.SchemaSpelling);
    }

    [Theory]
    [InlineData("")]
    [InlineData("string")]
    [InlineData("int")]
    [InlineData("text??")]
    [InlineData("text ")]
    [InlineData(" text")]
    [InlineData("?")]
    [InlineData("[]")]
    [InlineData("text[")]
    [InlineData("map(text")]
    [InlineData("map()")]
    [InlineData("enum()")]
    [InlineData("enum(a|)")]
    [InlineData("enum(b|a)")]
    [InlineData("enum(a|a)")]
    [InlineData("enum(a(b)")]
    [InlineData("scalar(number)")]
    [InlineData("record(order_item/1)")]
    [InlineData("record(order_item " + Fingerprint + ")")]
    [InlineData("record(order_item/1 " + Fingerprint)]
    [InlineData("record(order_item/1 B9AD22D9984DE471F7703BDD0840B7ED86B7372BE9AD11CF1932CAAC40B6806E)")]
    public void Anything_else_is_no_type(string text) => Assert.Null(LockTypeText.Parse(text));

    [Fact]
    public void A_type_as_deep_as_a_well_is_none()
    {
        Assert.Null(LockTypeText.Parse(string.Concat(Enumerable.Repeat("map(", 100_000))));
        Assert.Null(LockTypeText.Parse("text" + string.Concat(Enumerable.Repeat("[]", 100_000))));
        var deep = string.Concat(Enumerable.Repeat("map(", LockTypeText.MaxDepth)) + "text" + new string(')', LockTypeText.MaxDepth);
        Assert.Equal(deep, LockTypeText.Parse(deep)!.Spelling);
    }
}
