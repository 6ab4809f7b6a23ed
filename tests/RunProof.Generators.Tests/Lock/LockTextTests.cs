using System.Security.Cryptography;
using System.Text;
using Microsoft.CodeAnalysis.Text;

namespace RunProof.Generators.Tests.Lock;

/// <summary>The text of <c>canonical.lock.json</c>: printed, parsed, refused.</summary>
public sealed class LockTextTests
{
    internal static readonly LockRecord Item = LockRecord.Of("order_item", "1", [new("SKU", "Sku", LockType.Leaf("text")), new("count", "Count", LockType.Leaf("int32"))]);

    internal static readonly LockRecord Order = LockRecord.Of("order", "1",
    [
        new("note", "Note", LockType.Leaf("text", nullable: true)),
        new("items", "Items", LockType.List(LockType.Of(new LockReference(Item.Label, Item.Fingerprint)))),
    ]);

    internal static readonly LockSkill Ordering = LockSkill.Of("shop/order", "1.0.0", Order.Fingerprint, Item.Fingerprint);

    internal static readonly LockFile File = LockFile.Of([Item, Order], [Ordering]);

    // The fingerprints are those that the samples of this assembly have had since the first draft (FingerprintTests).
    private const string Text = """
        {
          "format": "runproof-canonical-lock/v1",
          "records": [
            {
              "name": "order", "version": "1", "fingerprint": "ORDER",
              "members": [
                {"wire": "items", "property": "Items", "type": "record(order_item/1 ITEM)[]"},
                {"wire": "note", "property": "Note", "type": "text?"}
              ]
            },
            {
              "name": "order_item", "version": "1", "fingerprint": "ITEM",
              "members": [
                {"wire": "SKU", "property": "Sku", "type": "text"},
                {"wire": "count", "property": "Count", "type": "int32"}
              ]
            }
          ],
          "skills": [
            {"name": "shop/order", "version": "1.0.0", "parameters": "ORDER", "outcome": "ITEM", "schema": "SKILL"}
          ]
        }

        """;

    private static readonly string ItemHash = Hash("""{"members":{"SKU":"string","count":"integer"},"name":"order_item","version":"1"}""");

    private static readonly string OrderHash = Hash($$"""{"members":{"items":"{{ItemHash}}[]","note":"string?"},"name":"order","version":"1"}""");

    private static readonly string SkillHash = Hash($"runproof/v1/skill\n[\"shop/order\",\"1.0.0\",\"{OrderHash}\",\"{ItemHash}\"]");

    private static string Expected => Text.ReplaceLineEndings("\n").Replace("ORDER", OrderHash, StringComparison.Ordinal).Replace("ITEM", ItemHash, StringComparison.Ordinal).Replace("SKILL", SkillHash, StringComparison.Ordinal);

    [Fact]
    public void A_lock_is_printed_a_member_to_a_line() => Assert.Equal(Expected, LockPrinter.Print(File));

    [Fact]
    public void Printing_what_was_parsed_gives_the_same_text() => Assert.Equal(Expected, LockPrinter.Print(Read(Expected)));

    [Fact]
    public void An_empty_lock_is_printed_and_parsed()
    {
        const string empty = "{\n  \"format\": \"runproof-canonical-lock/v1\",\n  \"records\": [],\n  \"skills\": []\n}\n";
        Assert.Equal(empty, LockPrinter.Print(LockFile.Empty));
        Assert.Equal(LockFile.Empty, Read(empty));
    }

    [Fact]
    public void A_record_without_members_is_printed_and_parsed()
    {
        var file = LockFile.Of([LockRecord.Of("nothing", "1", [])], []);
        Assert.Contains("\"members\": []\n    }\n  ],", LockPrinter.Print(file), StringComparison.Ordinal);
        Assert.Equal(file, Read(LockPrinter.Print(file)));
    }

    [Theory]
    [InlineData("\r\n")]
    [InlineData(" \t\n ")]
    public void Another_layout_and_another_order_are_the_same_lock(string space)
    {
        var text = Expected.Replace("\n", space, StringComparison.Ordinal);
        var swapped = LockPrinter.Print(new LockFile(new[] { Item, Order with { Members = Order.Members.Reverse().ToEquatable() } }.ToEquatable(), File.Skills));
        Assert.Equal(File, Read(text));
        Assert.NotEqual(Expected, swapped);
        Assert.Equal(File, Read(swapped));
    }

    [Fact]
    public void Versions_that_are_numbers_are_ordered_by_value()
    {
        string[] versions = ["2", "10", "1.0.0", "01", "1", "a", "99999999999999999999"];
        var file = LockFile.Of(versions.Select(static version => LockRecord.Of("r", version, [])), versions.Select(static version => LockSkill.Of("s", version, Item.Fingerprint, Item.Fingerprint)));
        Assert.Equal(["01", "1", "2", "10", "99999999999999999999", "1.0.0", "a"], file.Records.Select(static record => record.Version));
        Assert.Equal(["01", "1", "2", "10", "99999999999999999999", "1.0.0", "a"], file.Skills.Select(static skill => skill.Version));
    }

    [Fact]
    public void Names_of_any_script_survive()
    {
        var record = LockRecord.Of("r", "1", [new("bark\u00e9\ud83d\ude00\"\\\u0001", "Größe", LockType.Enum(["ümlaut", "a b", "\""]))]);
        Assert.Equal(record, Read(LockPrinter.Print(LockFile.Of([record], []))).Records[0]);
    }

    [Fact]
    public void Names_with_brackets_and_slashes_survive()
    {
        var inner = LockRecord.Of("a/b)(", "1)[]?", []);
        var outer = LockRecord.Of("outer", "1", [new("m", "M", LockType.Map(LockType.Of(new LockReference(inner.Label, inner.Fingerprint), nullable: true)))]);
        var file = LockFile.Of([inner, outer], []);
        Assert.Equal(file, Read(LockPrinter.Print(file)));
    }

    [Fact]
    public void An_entry_stands_alone_on_one_line()
    {
        Assert.Equal((Order, null), LockParser.ReadEntry(LockPrinter.Entry(Order)));
        Assert.Equal((null, Ordering), LockParser.ReadEntry(LockPrinter.Entry(Ordering)));
        Assert.DoesNotContain('\n', LockPrinter.Entry(Order));
        Assert.Equal((null, null), LockParser.ReadEntry("{}"));
        Assert.Equal((null, null), LockParser.ReadEntry("nonsense"));
        Assert.Equal((null, null), LockParser.ReadEntry(LockPrinter.Entry(Order).Replace("Note", "", StringComparison.Ordinal)));
    }

    /// <summary>What is done to the text; the line and the words of the fault.</summary>
    public static TheoryData<string, Func<string, string>, int, string> Damage() => new()
    {
        { "empty", static _ => "", 1, "the text ends too early: an object, an array or a string is expected" },
        { "cut", static text => text[..text.IndexOf("\"note\"", StringComparison.Ordinal)], 8, "the text ends too early: an object, an array or a string is expected" },
        { "cut in a string", static text => text[..(text.IndexOf("\"note\"", StringComparison.Ordinal) + 3)], 8, "the text ends too early: a string is not closed" },
        { "more", static text => text + "{}", 23, "there is more after the end of the lock" },
        { "mark", static text => "\ufeff" + text, 1, "it begins with a byte order mark: save it as UTF-8 without one" },
        { "newer", static text => text.Replace("lock/v1", "lock/v2", StringComparison.Ordinal), 2, "its format is \"runproof-canonical-lock/v2\", and this RunProof reads \"runproof-canonical-lock/v1\": update the RunProof packages of this project" },
        { "other", static _ => "{\"a\": \"b\"}", 1, "it is no lock: its \"format\" is to be \"runproof-canonical-lock/v1\"" },
        { "a list", static _ => "[]", 1, "it is no lock: its \"format\" is to be \"runproof-canonical-lock/v1\"" },
        { "number", static text => text.Replace("\"version\": \"1\"", "\"version\": 1", StringComparison.Ordinal), 5, "an object, an array or a string is expected" },
        { "object as version", static text => text.Replace("\"version\": \"1\"", "\"version\": {}", StringComparison.Ordinal), 5, "a name or version is 1 to 128 printable ASCII characters without space" },
        { "records no list", static text => text.Replace("\"skills\": [", "\"skills\": \"\", \"x\": [", StringComparison.Ordinal), 19, "a lock has no member \"x\": was it written by a newer RunProof, or by hand?" },
        { "unknown member", static text => text.Replace("\"property\": \"Note\"", "\"property\": \"Note\", \"doc\": \"\"", StringComparison.Ordinal), 8, "a member has no member \"doc\": was it written by a newer RunProof, or by hand?" },
        { "missing member", static text => text.Replace("\"property\": \"Note\", ", "", StringComparison.Ordinal), 8, "a member is an object with the members wire, property, type" },
        { "member twice", static text => text.Replace("\"property\": \"Note\"", "\"wire\": \"note\"", StringComparison.Ordinal), 8, "\"wire\" stands twice in a member" },
        { "two of a name", static text => text.Replace("\"Note\"", "\"Items\"", StringComparison.Ordinal), 6, "two members are called \"Items\"" },
        { "empty name", static text => text.Replace("\"Note\"", "\"\"", StringComparison.Ordinal), 8, "a name is not empty and holds no lone surrogate" },
        { "lone surrogate", static text => text.Replace("\"Note\"", "\"\\ud800\"", StringComparison.Ordinal), 8, "a name is not empty and holds no lone surrogate" },
        { "no such type", static text => text.Replace("\"text?\"", "\"string?\"", StringComparison.Ordinal), 8, "\"string?\" is no type of a lock: was it written by a newer RunProof, or by hand?" },
        { "bad digest", static text => text.Replace(SkillHash, SkillHash[1..], StringComparison.Ordinal), 20, "64 lower-case hex digits are expected" },
        { "record twice", static text => text.Replace("  \"records\": [\n", "  \"records\": [\n    " + LockPrinter.Entry(Order) + ",\n", StringComparison.Ordinal), 5, "record order/1 has a second entry here, the first is on line 4: keep the one that has shipped" },
        { "skill twice", static text => text.Replace("  \"skills\": [\n", "  \"skills\": [\n    " + LockPrinter.Entry(Ordering) + ",\n", StringComparison.Ordinal), 21, "skill shop/order/1.0.0 has a second entry here, the first is on line 20: keep the one that has shipped" },
        { "conflict", static text => text.Replace("    {\"name\": \"shop", "<<<<<<< ours\n    {\"name\": \"shop", StringComparison.Ordinal), 20, "a merge was left unfinished here: keep the entries of both sides and remove the markers" },
        { "conflict between", static text => text.Replace("      ]\n    },\n", "      ]\n    },\n=======\n", StringComparison.Ordinal), 11, "a merge was left unfinished here: keep the entries of both sides and remove the markers" },
        { "control", static text => text.Replace("Note", "No\nte", StringComparison.Ordinal), 8, "a string ends with its line, or holds a control character" },
        { "escape", static text => text.Replace("Note", "\\x", StringComparison.Ordinal), 8, "a string holds an escape that JSON does not have" },
        { "escape cut", static _ => "{\"\\u12", 1, "a string holds an escape that JSON does not have" },
        { "comma", static text => text.Replace("  ],\n", "  ],,\n", StringComparison.Ordinal), 18, "a member's name is expected" },
        { "nested missing", static _ => LockPrinter.Print(LockFile.Of([Order], [])), 4, "member \"items\" of record order/1 holds record order_item/1 with fingerprint " + ItemHash + ", which is not in the lock: restore its entry" },
        { "no comma", static text => text.Replace("    },\n", "    }\n", StringComparison.Ordinal), 11, "',' or ']' is expected" },
        { "deep", static _ => new string('[', 1_000_000), 1, "it nests deeper than any lock" },
    };

    [Theory]
    [MemberData(nameof(Damage))]
    public void A_damaged_lock_is_refused_at_its_line(string damage, Func<string, string> change, int line, string words)
    {
        var text = change(Expected);
        var reading = LockReading.Of(text);
        Assert.True(text != Expected, damage);
        Assert.Null(reading.File);
        Assert.Equal((line, words, false), (reading.Faults[0].Line, reading.Faults[0].Message, reading.Faults[0].IsFingerprint));
    }

    [Fact]
    public void A_member_that_was_edited_by_hand_is_told_by_the_fingerprint()
    {
        var reading = LockReading.Of(Expected.Replace("\"text?\"", "\"text\"", StringComparison.Ordinal));
        var right = Hash($$"""{"members":{"items":"{{ItemHash}}[]","note":"string"},"name":"order","version":"1"}""");
        var fault = Assert.Single(reading.Faults);
        Assert.Equal((true, 5), (fault.IsFingerprint, fault.Line));
        Assert.Equal($"the fingerprint of record order/1 is not that of its members, which is {right}: a lock is not edited by hand; restore the entry from version control", fault.Message);
        Assert.Equal("\"" + OrderHash + "\"", Expected.Replace("\"text?\"", "\"text\"", StringComparison.Ordinal).Substring(fault.Offset, fault.Length));
    }

    [Fact]
    public void A_skill_that_was_edited_by_hand_is_told_by_its_schema()
    {
        var fault = Assert.Single(LockReading.Of(Expected.Replace("1.0.0", "1.0.1", StringComparison.Ordinal)).Faults);
        Assert.Equal((true, 20), (fault.IsFingerprint, fault.Line));
        Assert.StartsWith("the schema of skill shop/order/1.0.1 is not that of its name, version and fingerprints, which is ", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_skill_whose_record_is_not_in_the_lock_is_refused()
    {
        var skill = LockSkill.Of("s", "1", Order.Fingerprint, new string('0', 64));
        var fault = Assert.Single(LockReading.Of(LockPrinter.Print(LockFile.Of([Item, Order], [skill]))).Faults);
        Assert.Equal($"skill s/1 takes or returns a record with fingerprint {new string('0', 64)}, which is not in the lock: restore its entry", fault.Message);
    }

    /// <summary>The compiler takes the mark off a text that it opens, and says only by the encoding that one was there.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_byte_order_mark_in_the_file_is_refused(bool isMarked)
    {
        var encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: isMarked);
        using var file = new MemoryStream([.. encoding.GetPreamble(), .. Encoding.UTF8.GetBytes(Expected)]);
        var reading = LockInput.Read(SourceText.From(file, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), canBeEmbedded: true));
        Assert.Equal(isMarked ? ["it begins with a byte order mark: save it as UTF-8 without one"] : [], reading.Faults.Select(static fault => fault.Message));
    }

    [Fact]
    public void A_chain_of_records_longer_than_a_stack_is_refused()
    {
        var records = new List<LockRecord> { LockRecord.Of("r", "0", []) };
        for (var i = 1; i < 3000; i++)
            records.Add(LockRecord.Of("r", i.ToString(System.Globalization.CultureInfo.InvariantCulture), [new("m", "M", LockType.Of(new LockReference(records[^1].Label, records[^1].Fingerprint)))]));
        Assert.Equal(LockTypeText.MaxDepth, LockReading.Of(LockPrinter.Print(LockFile.Of(records[..LockTypeText.MaxDepth], []))).File!.Records.Count);
        Assert.Equal("record r/64 holds records in one another more than 64 deep", LockReading.Of(LockPrinter.Print(LockFile.Of(records, []))).Faults[0].Message);
    }

    [Fact]
    public void A_hundred_million_characters_are_not_looked_at()
    {
        var reading = LockReading.Of(new string('x', 100_000_000));
        Assert.Equal("it is 100000000 characters long, and no lock is: this is another file", reading.Faults[0].Message);
    }

    [Fact]
    public void A_lock_that_is_wrong_everywhere_says_so_twenty_times()
    {
        var members = string.Join(",\n", Enumerable.Repeat("{}", 200_000));
        var reading = LockReading.Of("{\"format\": \"runproof-canonical-lock/v1\", \"skills\": [], \"records\": [\n" + members + "]}");
        Assert.Equal(20, reading.Faults.Count);
        Assert.Equal(21, reading.Faults[19].Line);
    }

    [Fact]
    public void Whatever_the_text_is_nothing_is_thrown()
    {
        var random = new Random(7);
        for (var round = 0; round < 3000; round++)
        {
            var text = new StringBuilder(Expected);
            for (var edits = random.Next(1, 6); edits > 0; edits--)
            {
                var at = random.Next(text.Length);
                switch (random.Next(3))
                {
                    case 0: text[at] = (char)random.Next(0x80); break;
                    case 1: text.Remove(at, Math.Min(random.Next(40), text.Length - at)); break;
                    default: text.Insert(at, text.ToString(random.Next(text.Length / 2), 5)); break;
                }
            }

            var reading = LockReading.Of(text.ToString());
            Assert.Equal(reading.File is null, reading.Faults.Count > 0);
            if (reading.File is { } file)
                Assert.Equal(file, Read(LockPrinter.Print(file)));
        }
    }

    private static LockFile Read(string text)
    {
        var reading = LockReading.Of(text);
        Assert.Empty(reading.Faults);
        return reading.File!;
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
