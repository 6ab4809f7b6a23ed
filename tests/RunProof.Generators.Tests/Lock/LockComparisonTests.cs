namespace RunProof.Generators.Tests.Lock;

/// <summary>What the words say of each kind of change. The messages around them are in <c>LockRuleTests</c>.</summary>
public sealed class LockComparisonTests
{
    private const string Old = "b9ad22d9984de471f7703bdd0840b7ed86b7372be9ad11cf1932caac40b6806e";
    private const string New = "0c0ffee0984de471f7703bdd0840b7ed86b7372be9ad11cf1932caac40b6806e";

    public static TheoryData<string, string, string> Changes() => new()
    {
        { "a:A:text", "a:A:text", "" },
        { "a:A:text", "a:B:text", "" },
        { "a:A:text b:B:text", "b:B:text a:A:text", "" },
        { "a:A:text", "a:A:text b:B:int32?", "Added B: it is new, as \"b\" of type int32?" },
        { "a:A:text b:B:int32?", "a:A:text", "Removed B: \"b\" of type int32? is gone" },
        { "a:A:text", "b:A:text", "Renamed A: it was \"a\" on the wire and is \"b\"" },
        { "a:A:text", "b:A:int32", "Renamed A: it was \"a\" on the wire and is \"b\", and its type was text and is int32" },
        { "a:A:text", "b:B:text", "Added B: it is new, as \"b\" of type text; Removed A: \"a\" of type text is gone" },
        { "a:A:text b:B:text", "a:B:text b:A:text", "" },
        { "a:A:int64", "a:A:decimal", "Type A: its type was int64 and is decimal" },
        { "a:A:text?", "a:A:int32", "Type A: its type was text? and is int32" },
        { "a:A:text[]", "a:A:map(text)", "Type A: its type was text[] and is map(text)" },
        { "a:A:text", "a:A:text?", "Nullability A: it may be null now and never was: its type was text and is text?" },
        { "a:A:text?", "a:A:text", "Nullability A: it was null at times and cannot be any more: its type was text? and is text" },
        { "a:A:text[]", "a:A:text?[]", "Nullability A: whether what it holds may be null has changed: its type was text[] and is text?[]" },
        { "a:A:map(text?)", "a:A:map(text)", "Nullability A: whether what it holds may be null has changed: its type was map(text?) and is map(text)" },
        { "a:A:enum(x|y)", "a:A:enum(x|y|z)", "Type A: the words of its enum have changed: \"z\" is new" },
        { "a:A:enum(x|y|z)", "a:A:enum(x)", "Type A: the words of its enum have changed: \"y\", \"z\" are gone" },
        { "a:A:enum(x|y)", "a:A:enum(why|x)", "Type A: the words of its enum have changed: \"y\" is \"why\" now" },
        { "a:A:enum(x|y)?[]", "a:A:enum(v|w|x)?[]", "Type A: the words of its enum have changed: \"v\", \"w\" are new and \"y\" is gone" },
        { "a:A:enum(x|y)[]", "a:A:enum(x|y|z)", "Type A: its type was enum(x|y)[] and is enum(x|y|z)" },
        { $"a:A:record(in/1_{Old})[]", $"a:A:record(in/1_{New})[]", "Type A: its record in/1 has changed, and with it every record that holds it: out needs a new version too (the record's fingerprint was b9ad22d9 and is 0c0ffee0)" },
        { $"a:A:record(in/1_{Old})", $"a:A:record(in/2_{New})", "Type A: its type was record in/1 and is record in/2" },
        { "a:A:text b:B:text c:C:text", "a:A:text? c:X:int32 d:B:text e:E:guid", "Nullability A: it may be null now and never was: its type was text and is text?; Type X: its type was text and is int32; Renamed B: it was \"b\" on the wire and is \"d\"; Added E: it is new, as \"e\" of type guid" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void Each_member_that_is_another_is_one_change(string shipped, string now, string words) =>
        Assert.Equal(words, string.Join("; ", LockComparison.Changes(Record(shipped), Record(now)).Select(static change => $"{change.Kind} {change.Property}: {change.Words}")));

    [Theory]
    [MemberData(nameof(Changes))]
    public void No_change_and_the_same_shape_are_one(string shipped, string now, string words) =>
        Assert.Equal(words.Length == 0, Record(shipped).HasShapeOf(Record(now)));

    internal static LockRecord Record(string members, string name = "out", string version = "1") => LockRecord.Of(
        name, version, members.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static member => member.Split(':')).Select(static parts => new LockMember(parts[0], parts[1], LockTypeText.Parse(parts[2].Replace('_', ' '))!)));
}
