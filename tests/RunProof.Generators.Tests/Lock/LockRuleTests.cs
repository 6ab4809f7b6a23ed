using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests.Lock;

/// <summary>RP03xx: the whole words of each message, and where it stands.</summary>
public sealed partial class LockRuleTests
{
    private const string Ways = "; give record order/1 another Version, or, where that version never shipped, accept it with: runproof canonical lock --never-shipped order/1";

    private const string Skills = """
        [Canonical] public sealed partial record Ask(string Q);
        [Canonical] public sealed partial record Answer(string A);
        /// <summary>Answers.</summary>
        [Skill("ask")] public sealed partial class AskSkill { public Task<Answer> ExecuteAsync(Ask ask, SkillContext context, CancellationToken cancellationToken) => throw new Exception(); }
        """;

    /// <summary>What shipped; what is; the rules, places and words.</summary>
    public static TheoryData<string, string, string[]> Changes() => new()
    {
        { "record Order(string Item);", "record Order(string Item, int? Count);", ["RP0301 Count: 'Order.Count' was added to record order/1, which has shipped: it is new, as \"count\" of type int32?" + Ways] },
        { "record Order(string Item, int? Count);", "record Order(string Item);", ["RP0302 Order: 'Order.Count' was removed from record order/1, which has shipped: \"count\" of type int32? is gone" + Ways] },
        { "record Order(string Item);", "record Order([WireName(\"article\")] string Item);", ["RP0303 Item: 'Order.Item' has another wire name than record order/1 has shipped with: it was \"item\" on the wire and is \"article\"" + Ways] },
        { "record Order(long Item);", "record Order(decimal Item);", ["RP0304 Item: 'Order.Item' has another type than record order/1 has shipped with: its type was int64 and is decimal" + Ways] },
        { "record Order(string Item);", "record Order(string? Item);", ["RP0305 Item: 'Order.Item' has another nullability than record order/1 has shipped with: it may be null now and never was: its type was text and is text?" + Ways] },
        { "record Order(string? Item);", "record Order(string Item);", ["RP0305 Item: 'Order.Item' has another nullability than record order/1 has shipped with: it was null at times and cannot be any more: its type was text? and is text" + Ways] },
        { "record Order(List<string> Item);", "record Order(List<string?> Item);", ["RP0305 Item: 'Order.Item' has another nullability than record order/1 has shipped with: whether what it holds may be null has changed: its type was text[] and is text?[]" + Ways] },
        { "record Order(Dictionary<string, int?> Item);", "record Order(Dictionary<string, int> Item);", ["RP0305 Item: 'Order.Item' has another nullability than record order/1 has shipped with: whether what it holds may be null has changed: its type was map(int32?) and is map(int32)" + Ways] },
        { "record Order(K Item); public enum K { A }", "record Order(K Item); public enum K { A, B }", ["RP0304 Item: 'Order.Item' has another type than record order/1 has shipped with: the words of its enum have changed: \"b\" is new" + Ways] },
        { "record Order(K Item); public enum K { A, B }", "record Order(K Item); public enum K { A }", ["RP0304 Item: 'Order.Item' has another type than record order/1 has shipped with: the words of its enum have changed: \"b\" is gone" + Ways] },
        { "record Order(K Item); public enum K { A, B }", "record Order(K Item); public enum K { A, [WireName(\"bee\")] B }", ["RP0304 Item: 'Order.Item' has another type than record order/1 has shipped with: the words of its enum have changed: \"b\" is \"bee\" now" + Ways] },
        {
            "record Order(List<Line> Items); [Canonical] public sealed partial record Line(int N);", "record Order(List<Line> Items); [Canonical(Version = \"2\")] public sealed partial record Line(long N);",
            ["RP0304 Items: 'Order.Items' has another type than record order/1 has shipped with: its type was record line/1[] and is record line/2[]" + Ways, "RP0310 Line: record line/2 is not in canonical.lock.json, so nothing will tell when its bytes change: accept it by the code fix or with: runproof canonical lock"]
        },
        {
            "record Order(string A, string? B, int C, List<int> D, string E) { public int F { get; init; } }", "record Order(string? A, [WireName(\"bee\")] string? B, long C, List<int> D, string G) { public int F { get; init; } }",
            [
                "RP0302 Order: 'Order.E' was removed from record order/1, which has shipped: \"e\" of type text is gone" + Ways,
                "RP0305 A: 'Order.A' has another nullability than record order/1 has shipped with: it may be null now and never was: its type was text and is text?" + Ways,
                "RP0303 B: 'Order.B' has another wire name than record order/1 has shipped with: it was \"b\" on the wire and is \"bee\"" + Ways,
                "RP0304 C: 'Order.C' has another type than record order/1 has shipped with: its type was int32 and is int64" + Ways,
                "RP0301 G: 'Order.G' was added to record order/1, which has shipped: it is new, as \"g\" of type text" + Ways,
            ]
        },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task A_changed_shape_is_told_at_each_member(string shipped, string now, string[] expected)
    {
        const string declared = "[Canonical] public sealed partial ";
        var told = await Locking.ToldAsync(declared + now, Locking.Shipped(declared + shipped));
        Assert.Equal(expected, told.Select(Say));
        Assert.All(told.Where(static diagnostic => diagnostic.Id != "RP0310"), static diagnostic => Assert.Equal(DiagnosticSeverity.Error, diagnostic.Severity));
    }

    /// <summary>What is no part of a shape.</summary>
    [Theory]
    [InlineData("record Order(string Item, int Count);", "record Order(int Count, string Item);")]
    [InlineData("record Order(string Item);", "record Order([WireName(\"item\")] string Article);")]
    [InlineData("record Order(string Item, int Count);", "record Order([WireName(\"count\")] int Item, [WireName(\"item\")] string Count);")]
    [InlineData("record Order(string Item = \"a\");", "record Order { /** <summary>An item.</summary> */ public required string Item { get; init; } }")]
    [InlineData("record Order(string[] Item);", "record Order(System.Collections.Immutable.ImmutableArray<string> Item);")]
    [InlineData("record Order(K Item); public enum K { A, B }", "record Order(L Item); public enum L { B, A }")]
    [InlineData("record Order(Line Item); [Canonical] public sealed partial record Line(int N);", "record Order(Row Item); [Canonical(Name = \"line\")] public sealed partial record Row(int N);")]
    public async Task What_no_byte_shows_is_not_told(string shipped, string now)
    {
        const string declared = "[Canonical] public sealed partial ";
        Assert.Empty(await Locking.ToldAsync(declared + now, Locking.Shipped(declared + shipped)));
    }

    [Fact]
    public async Task A_record_that_changed_within_another_is_told_at_both()
    {
        const string shipped = "[Canonical] public sealed partial record Order(Line[] Items); [Canonical] public sealed partial record Line(int N);";
        var file = Locking.Shipped(shipped);
        var now = Locking.Shipped(shipped.Replace("int N", "long N", StringComparison.Ordinal));
        var told = await Locking.ToldAsync(shipped.Replace("int N", "long N", StringComparison.Ordinal), file);
        Assert.Equal(
            [
                "RP0304 Items: 'Order.Items' has another type than record order/1 has shipped with: its record line/1 has changed, and with it every record that holds it: order needs a new version too "
                    + $"(the record's fingerprint was {file.Record("line/1")!.Fingerprint[..8]} and is {now.Record("line/1")!.Fingerprint[..8]}){Ways}",
                "RP0304 N: 'Line.N' has another type than record line/1 has shipped with: its type was int32 and is int64" + Ways.Replace("order/1", "line/1", StringComparison.Ordinal),
            ],
            told.Select(Say));
    }

    [Fact]
    public async Task A_record_of_another_assembly_that_changed_is_told_where_it_is_held()
    {
        const string holder = "[Canonical] public sealed partial record Order(L.Inner I);";
        var file = Locking.Shipped(holder, Generation.Library("L", "namespace L; [RunProof.Format.Canonical] public sealed partial record Inner(int A);"));
        Assert.Equal(["inner/1", "order/1"], file.Records.Select(static record => record.Label));
        var now = Generation.Compile(("Now.cs", Locking.Usings + holder)).AddReferences(Generation.Library("L", "namespace L; [RunProof.Format.Canonical] public sealed partial record Inner(int B);"));
        var told = Assert.Single(await Locking.ToldAsync(now, LockPrinter.Print(file)));
        Assert.StartsWith("RP0304 I: 'Order.I' has another type than record order/1 has shipped with: its record inner/1 has changed, and with it every record that holds it: order needs a new version too", Say(told), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_member_of_a_base_record_in_another_file_is_told_at_the_record()
    {
        var file = Locking.Shipped("public abstract record Base(int A); [Canonical] public sealed partial record Order(int A) : Base(A);");
        var now = Generation.Compile(("Base.cs", "public abstract record Base(int A) { public int B { get; init; } }"), ("Now.cs", Locking.Usings + "[Canonical] public sealed partial record Order(int A) : Base(A);"));
        var told = Assert.Single(await Locking.ToldAsync(now, LockPrinter.Print(file)));
        Assert.StartsWith("RP0301 Order: 'Order.B' was added", Say(told), StringComparison.Ordinal);
    }

    /// <summary>The change to the skill's source; the words.</summary>
    [Theory]
    [InlineData("record Ask(string Q)", "record Ask(string Q, int N)", "the record of its parameters, ask/1, has changed (its fingerprint was X and is Y)", 2)]
    [InlineData("[Canonical] public sealed partial record Answer", "[Canonical(Version = \"2\")] public sealed partial record Answer", "its outcome was record answer/1 and is record answer/2", 2)]
    [InlineData("ExecuteAsync(Ask ask", "ExecuteAsync(Answer ask", "its parameters were record ask/1 and are record answer/1", 1)]
    public async Task A_skill_of_other_records_is_told_at_its_class(string old, string changed, string words, int count)
    {
        var told = await Locking.ToldAsync(Skills.Replace(old, changed, StringComparison.Ordinal), Locking.Shipped(Skills));
        Assert.Equal(count, told.Length);
        Assert.Equal(
            $"RP0306 AskSkill: skill ask/1.0.0 takes or returns another record than it has shipped with: {words}; give skill ask/1.0.0 another Version, or, where that version never shipped, accept it with: runproof canonical lock --never-shipped ask/1.0.0",
            Digits().Replace(Say(told.Single(static diagnostic => diagnostic.Id == "RP0306")), static match => match.Groups[1].Value + (match.Groups[1].Value == "was " ? "X" : "Y")));
    }

    [Fact]
    public async Task Both_records_of_a_skill_are_named()
    {
        var told = await Locking.ToldAsync(
            Skills.Replace("ExecuteAsync(Ask ask", "ExecuteAsync(Answer ask", StringComparison.Ordinal).Replace("Task<Answer> Exec", "Task<Ask> Exec", StringComparison.Ordinal), Locking.Shipped(Skills));
        Assert.Contains("its parameters were record ask/1 and are record answer/1, and its outcome was record answer/1 and is record ask/1;", Say(Assert.Single(told)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_in_the_lock_is_a_warning_at_its_name()
    {
        var told = await Locking.ToldAsync(Skills, LockFile.Empty);
        Assert.Equal(
            [
                "RP0310 Ask: record ask/1 is not in canonical.lock.json, so nothing will tell when its bytes change: accept it by the code fix or with: runproof canonical lock",
                "RP0310 Answer: record answer/1 is not in canonical.lock.json, so nothing will tell when its bytes change: accept it by the code fix or with: runproof canonical lock",
                "RP0310 AskSkill: skill ask/1.0.0 is not in canonical.lock.json, so nothing will tell when its bytes change: accept it by the code fix or with: runproof canonical lock",
            ],
            told.Select(Say));
        Assert.All(told, static diagnostic => Assert.Equal(DiagnosticSeverity.Warning, diagnostic.Severity));
    }

    [Fact]
    public async Task Without_a_lock_it_is_told_once_at_the_first_record()
    {
        var told = Assert.Single(await Locking.ToldAsync(Skills, null));
        Assert.Equal(
            "RP0311 Ask: this project declares canonical records and has no canonical.lock.json, so nothing will tell when their bytes change: make one with 'runproof canonical lock', or set the property RunProofCanonicalLock to off",
            Say(told));
        Assert.Empty(await Locking.ToldAsync("class Nothing;", null));
    }

    [Fact]
    public async Task What_has_shipped_and_is_unchanged_or_gone_is_not_told()
    {
        var file = Locking.Shipped(Skills);
        Assert.Empty(await Locking.ToldAsync(Skills, file));
        Assert.Empty(await Locking.ToldAsync("[Canonical] public sealed partial record Ask(string Q);", file));
        Assert.Empty(await Locking.ToldAsync("class Nothing;", file));
    }

    [Fact]
    public async Task A_lock_edited_by_hand_is_told_at_its_line_in_the_lock()
    {
        var text = LockPrinter.Print(Locking.Shipped("[Canonical] public sealed partial record Order(string Item);"));
        var told = Assert.Single(await Locking.ToldAsync(Generation.Compile(("Now.cs", Locking.Usings + "[Canonical] public sealed partial record Order(string Item, int N);")), text.Replace("\"text\"", "\"text?\"", StringComparison.Ordinal)));
        Assert.StartsWith("line 5 of canonical.lock.json: the fingerprint of record order/1 is not that of its members, which is ", told.GetMessage(), StringComparison.Ordinal);
        Assert.Equal(("RP0312", DiagnosticSeverity.Error, "/project/canonical.lock.json", 4, 54), (told.Id, told.Severity, told.Location.GetLineSpan().Path, told.Location.GetLineSpan().StartLinePosition.Line, told.Location.GetLineSpan().StartLinePosition.Character));
    }

    [Fact]
    public async Task A_lock_that_cannot_be_read_is_told_at_its_line_and_nothing_else_is()
    {
        var text = LockPrinter.Print(Locking.Shipped(Skills)).Replace("  \"skills\": [\n", "  \"skills\": [\n<<<<<<< HEAD\n", StringComparison.Ordinal);
        var told = Assert.Single(await Locking.ToldAsync(Generation.Compile(("Now.cs", Locking.Usings + Skills.Replace("string Q", "int Q", StringComparison.Ordinal))), text));
        Assert.Equal("canonical.lock.json cannot be read, line 18: a merge was left unfinished here: keep the entries of both sides and remove the markers", told.GetMessage());
        Assert.Equal(("RP0313", "/project/canonical.lock.json", 17, 0), (told.Id, told.Location.GetLineSpan().Path, told.Location.GetLineSpan().StartLinePosition.Line, told.Location.GetLineSpan().StartLinePosition.Character));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[[[[[[[[[[[[[[[[[[[[")]
    [InlineData("\ufeff{}")]
    public async Task Whatever_the_lock_is_the_analyzer_tells_it(string text)
    {
        var told = await Locking.ToldAsync(Generation.Compile(("Now.cs", Locking.Usings + Skills)), text);
        Assert.Equal("RP0313", Assert.Single(told).Id);
    }

    [Theory]
    [InlineData("off")]
    [InlineData("Accept")]
    public async Task Where_the_lock_is_off_or_accepted_nothing_is_told(string mode)
    {
        Assert.Empty(await Locking.ToldAsync(Skills, null, mode));
        Assert.Empty(await Locking.ToldAsync(Skills.Replace("string Q", "int Q", StringComparison.Ordinal), Locking.Shipped(Skills), mode));
        Assert.Empty(await Locking.ToldAsync(Generation.Compile(("Now.cs", Locking.Usings + Skills)), "{", mode));
    }

    [Fact]
    public async Task What_a_code_fix_needs_is_in_the_properties()
    {
        const string shipped = "[Canonical] public sealed partial record Order(Line[] Items); [Canonical] public sealed partial record Line(int N);";
        var file = Locking.Shipped(shipped);
        var later = LockFile.Of([.. file.Records, LockRecord.Of("order", "9", [])], []);
        var changed = shipped.Replace("Items", "Items, string? Note", StringComparison.Ordinal);
        var properties = Assert.Single(await Locking.ToldAsync(changed, later)).Properties;
        Assert.Equal(("order/1", "10", "Note"), (properties["Label"], properties["NextVersion"], properties["Member"]));
        var records = properties["Entries"]!.Split('\n').Select(entry => LockParser.ReadEntry(entry).Record!).ToList();
        Assert.Equal([.. Locking.Shipped(changed).Records.OrderByDescending(static record => record.Name)], records);
        Assert.Empty(await Locking.ToldAsync(changed, LockAcceptance.Of(later, records, [], ["order/1"]).File));
    }

    [Fact]
    public async Task A_skill_s_properties_have_its_entry_and_those_of_its_records()
    {
        var told = (await Locking.ToldAsync(Skills, LockFile.Empty)).Single(static diagnostic => diagnostic.GetMessage().StartsWith("skill", StringComparison.Ordinal));
        Assert.Equal(Locking.Shipped(Skills), Locking.Of(told.Properties["Entries"]!.Split('\n')));
        Assert.Equal("ask/1.0.0", told.Properties["Label"]);
    }

    /// <summary>The examples of DIAGNOSTICS.md that need a lock.</summary>
    [Theory]
    [InlineData("RP0301")]
    [InlineData("RP0302")]
    [InlineData("RP0303")]
    [InlineData("RP0304")]
    [InlineData("RP0305")]
    [InlineData("RP0306")]
    public async Task The_page_s_examples_do_what_it_says(string id)
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "generators", "RunProof.Generators", "DIAGNOSTICS.md"));
        var section = page[page.IndexOf("### " + id, StringComparison.Ordinal)..];
        var file = Locking.Shipped(Code("Shipped"));
        var wrong = await Locking.ToldAsync(Code("Wrong"), file);
        Assert.Contains(id, wrong.Select(static diagnostic => diagnostic.Id));
        Assert.All(wrong, diagnostic => Assert.True(diagnostic.Id == id || diagnostic.Id == "RP0310", diagnostic.ToString()));
        Assert.All(await Locking.ToldAsync(Code("Right"), file), static diagnostic => Assert.Equal("RP0310", diagnostic.Id));

        string Code(string kind) => Regex.Match(section, kind + ":\n\n```csharp\n(.*?)```", RegexOptions.Singleline | RegexOptions.CultureInvariant).Groups[1].Value;
    }

    private static string Say(Diagnostic diagnostic) =>
        $"{diagnostic.Id} {diagnostic.Location.SourceTree!.GetText().ToString(diagnostic.Location.SourceSpan)}: {diagnostic.GetMessage()}";

    [GeneratedRegex("(was |is )[0-9a-f]{8}(?= and|\\))")]
    private static partial Regex Digits();
}
