using System.Diagnostics;
using System.Text;
using RunProof.Format;

namespace RunProof.Ledger.Tests;

public sealed class RedactionOfText
{
    private static readonly Redactor Redactor = new();

    // A pattern that nothing matches keeps the redactor from taking its short cut.
    private static readonly Redactor WithoutShortCut = new(RedactionRules.Default with { Patterns = [new PatternRule("never", "\u0001{9}")] });

    private const string Jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";

    public static TheoryData<string, string, string> Removed => new()
    {
        { "ada@example.com", "<REDACTED:email>", "email" },
        { "Ada <ada.lovelace+x@mail.example.co.uk>, hi", "Ada <<REDACTED:email>>, hi", "email" },
        { "mailto:ada@example.com?subject=x", "mailto:<REDACTED:email>?subject=x", "email" },
        { "Bearer abc.def.ghi-012", "Bearer <REDACTED:token:bearer>", "token:bearer" },
        { "bearer x", "bearer <REDACTED:token:bearer>", "token:bearer" },
        { "curl -H 'Authorization: Bearer 0123456789abcdef' u", "curl -H 'Authorization: Bearer <REDACTED:token:bearer>' u", "token:bearer" },
        { "Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic <REDACTED:token:basic>", "token:basic" },
        { "Basic dXNlcjpwYXNzd29yZA==", "Basic <REDACTED:token:basic>", "token:basic" },
        { "id AKIAIOSFODNN7EXAMPLE.", "id <REDACTED:token:aws>.", "token:aws" },
        { "ASIAIOSFODNN7EXAMPLE", "<REDACTED:token:aws>", "token:aws" },
        { "ghp_0123456789abcdefghijABCDEFGHIJ012345", "<REDACTED:token:github>", "token:github" },
        { "gho_0123456789abcdefghijABCDEFGHIJ012345", "<REDACTED:token:github>", "token:github" },
        { "ghu_0123456789abcdefghijABCDEFGHIJ012345", "<REDACTED:token:github>", "token:github" },
        { "ghs_0123456789abcdefghijABCDEFGHIJ012345", "<REDACTED:token:github>", "token:github" },
        { "ghr_0123456789abcdefghijABCDEFGHIJ012345", "<REDACTED:token:github>", "token:github" },
        { "token:github_pat_11ABCDEFG0123456789_abcdefghijklmnopqrstuvwxyz", "token:<REDACTED:token:github>", "token:github" },
        { "xoxb-123456789012-abcdefGHIJ", "<REDACTED:token:slack>", "token:slack" },
        { "key sk-proj-0123456789abcdefABCDEF!", "key <REDACTED:token:sk>!", "token:sk" },
        { "sk-ant-api03-0123456789abcdef", "<REDACTED:token:sk>", "token:sk" },
        { "rpk_0123456789abcdefghijklmnopqrstuvwxyzABCDEF0", "<REDACTED:token:runproof>", "token:runproof" },
        { "a\nrpk_0123456789abcdefghijklmnopqrstuvwxyzABCDEF0", "a\n<REDACTED:token:runproof>", "token:runproof" },
        { $"jwt={Jwt};", "jwt=<REDACTED:token:jwt>;", "token:jwt" },
        { "x\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\ny", "x\n<REDACTED:private_key>\ny", "private_key" },
        { "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk", "<REDACTED:private_key>", "private_key" },
        { "https://u:p@h.io/x", "https://REDACTED:url@h.io/x", "url" },
        { "postgres://app:p@ss:w0rd@db.example.com:5432/x", "postgres://REDACTED:url@db.example.com:5432/x", "url" },
        { "https://ghtoken@example.com/repo.git", "https://REDACTED:url@example.com/repo.git", "url" },
        { "https://h.io/p?a=1&token=abc&b=2#f", "https://h.io/p?a=1&token=REDACTED:query:token&b=2#f", "query:token" },
        { "https://h.io/?API-Key=abc", "https://h.io/?API-Key=REDACTED:query:api_key", "query:api_key" },
        { "https://h.io/?X-Amz-Signature=0a0b", "https://h.io/?X-Amz-Signature=REDACTED:query:x_amz_signature", "query:x_amz_signature" },
        { "https://h.io/?sig=0a%2Fb", "https://h.io/?sig=REDACTED:query:sig", "query:sig" },
        { "https://h.io/cb#access_token=abc&x=1", "https://h.io/cb#access_token=REDACTED:query:access_token&x=1", "query:access_token" },
        { "https://h.io/u/ada@example.com?next=1", "https://h.io/u/REDACTED:email?next=1", "email" },
        { "https://h.io/ghp_0123456789abcdefghijABCDEFGHIJ012345/x", "https://h.io/REDACTED:token:github/x", "token:github" },
        { "password=hunter2", "password=<REDACTED:query:password>", "query:password" },
        { "Host=h;Username=u;Password=p w;Port=1", "Host=h;Username=u;Password=<REDACTED:query:password> w;Port=1", "query:password" },
        { "run --password=\"a b\" now", "run --password=\"<REDACTED:query:password>\" now", "query:password" },
        { "4111111111111111", "<REDACTED:card>", "card" },
        { "pay 4111 1111 1111 1111 now", "pay <REDACTED:card> now", "card" },
        { "card-5555-5555-5555-4444.", "card-<REDACTED:card>.", "card" },
        { "amex 3782 822463 10005", "amex <REDACTED:card>", "card" },
        { "1 4222222222222", "1 <REDACTED:card>", "card" },
        { "6304000000000000000 x", "<REDACTED:card> x", "card" },
        { "ssn 078-05-1120", "ssn <REDACTED:ssn>", "ssn" },
        { "2026 123-45-6789", "2026 <REDACTED:ssn>", "ssn" },
        { "é123-45-6789é", "é<REDACTED:ssn>é", "ssn" },
        { "ünïcode@bücher.example", "<REDACTED:email>", "email" },
    };

    public static TheoryData<string> Kept =>
    [
        "npm install left-pad@1.3.0", "see @ada or a@b", "user@localhost", "root@", "@", "=", "://@", "a=b", "x?=1",
        "the bearer of bad news", "Bearer token is missing", "Basic authentication failed", "Basic", "Bearer", "Bearer ",
        "AKIA", "AKIAIOSFODNN7EXAMPL", "XAKIAIOSFODNN7EXAMPLE", "ghp_short", "a task-force-of-many-people-and-more", "risk-0123456789abcdef0123456789", "sk-short", "xoxo-",
        "eyJ", "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9.x",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
        "https://example.com/@ada/post?limit=5&page_token_count=2", "https://example.com/?max_tokens=5", "token=", "?token=&x=1",
        "4111111111111112", "4111 1111 1111 1112", "1770727421549", "1770727421549430000", "12345678901234567890123", "0.4111111111111111", "4111111111111111.5", "a4111111111111111", "4111111111111111b",
        "550e8400-e29b-41da-4716-446655440000", "11111111-1111-4111-8111-111111111111", "d4ce6cf4a8984214901e97b1635ecec3a7562e401b1015680535b18ab35b35b8",
        "2026-02-10T12:43:41.549430Z", "000-12-3456", "666-12-3456", "912-12-3456", "123-00-4567", "123-45-0000", "1123-45-6789", "123-45-67890", "123-45-6789-1", "9-123-45-6789", "123-456-7890",
        "Responsive is better than fast.", "", "\"", "\\", "\n\t\u0001", "日本語のテキスト",
    ];

    [Theory]
    [MemberData(nameof(Removed))]
    public void Goes_and_leaves_its_mark(string given, string left, string rule)
    {
        var result = Redactor.Redact(Json(given));

        Assert.Equal(Json(left).ToString(), result.Payload.ToString());
        Assert.Equal([new Removal("", rule)], result.Removals);
    }

    [Theory]
    [MemberData(nameof(Removed))]
    public void Goes_from_the_middle_of_an_object_as_well(string given, string left, string rule)
    {
        var result = Redactor.Redact(CanonicalJson.FromCanonicalBytes(Encoding.UTF8.GetBytes($$"""{"a":[{"b":{{Json(given)}}}],"c":"x"}""")));

        Assert.Equal($$"""{"a":[{"b":{{Json(left)}}}],"c":"x"}""", result.Payload.ToString());
        Assert.Equal([new Removal("a[0].b", rule)], result.Removals);
    }

    [Theory]
    [MemberData(nameof(Kept))]
    public void Stays(string given)
    {
        var payload = Json(given);

        Assert.Equal(payload.ToString(), WithoutShortCut.Redact(payload).Payload.ToString());
        Assert.Same(payload, Redactor.Redact(payload).Payload);
    }

    [Theory]
    [MemberData(nameof(Removed))]
    public void A_URL_stays_well_formed(string given, string left, string rule)
    {
        Assert.NotEmpty(rule);
        if (given.Contains("://", StringComparison.Ordinal) && Uri.TryCreate(given, UriKind.Absolute, out var original))
        {
            Assert.True(Uri.IsWellFormedUriString(Redactor.Redact(Json(given)).Payload.ToDocument().RootElement.GetString(), UriKind.Absolute));
            Assert.Equal(original!.Host, new Uri(left).Host);
        }
    }

    [Fact]
    public void Several_in_one_text_all_go()
    {
        var result = Redactor.Redact(Json($"from a@b.example to https://u:p@h.io/?token={Jwt}&q=1 with 4111-1111-1111-1111, again c@d.example"));

        Assert.Equal("\"from <REDACTED:email> to https://REDACTED:url@h.io/?token=REDACTED:query:token&q=1 with <REDACTED:card>, again <REDACTED:email>\"", result.Payload.ToString());
        Assert.Equal(["email", "url", "query:token", "card", "email"], result.Removals.Select(r => r.Rule));
    }

    [Fact]
    public void A_card_number_that_is_a_JSON_number_goes_too()
    {
        var result = Redactor.Redact(CanonicalJson.FromCanonicalBytes("""{"n":4111111111111111,"t":1770727421549}"""u8.ToArray()));

        Assert.Equal("""{"n":"<REDACTED:card>","t":1770727421549}""", result.Payload.ToString());
        Assert.Equal([new Removal("n", "card")], result.Removals);
    }

    [Fact]
    public void The_short_cut_never_hides_what_a_whole_look_finds()
    {
        // Deterministic mixtures of secrets and of what stands around them; every answer must be the same without the short cut.
        var parts = Removed.Select(row => row.Data.Item1).Concat(Kept.Select(row => row.Data)).ToArray();
        string[] glue = ["", " ", ",", "\n", "\"", "\\", ":", "é", "/", "{\"password\":\"", "\"}", "\u0000", "。", "n", "-", "\\n"];
        var random = new Random(20260210);
        for (var i = 0; i < 4000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 6)).Select(_ => glue[random.Next(glue.Length)] + parts[random.Next(parts.Length)])) + glue[random.Next(glue.Length)];
            var payload = Json(text);
            var full = WithoutShortCut.Redact(payload);
            var quick = Redactor.Redact(payload);

            Assert.Equal(full.Payload.ToString(), quick.Payload.ToString());
            Assert.Equal(full.Removals, quick.Removals);
        }
    }

    [Fact]
    public void Rules_can_be_added_and_left_out()
    {
        var redactor = new Redactor(RedactionRules.Default with
        {
            FieldNames = [.. RedactionRules.Default.FieldNames, "badge_number"],
            Tokens = [.. RedactionRules.Default.Tokens, new TokenRule("token:acme", "acme_", 4)],
            Patterns = [new PatternRule("order", @"\bORD-\d{4}\b")],
            Emails = false,
        });

        var result = redactor.Redact(CanonicalJson.Parse("""{"BadgeNumber":7,"t":"acme_12345 ORD-1234 a@b.example"}"""u8));

        Assert.Equal("""{"BadgeNumber":"<REDACTED>","t":"<REDACTED:token:acme> <REDACTED:order> a@b.example"}""", result.Payload.ToString());
        Assert.Equal(["name:badge_number", "token:acme", "order"], result.Removals.Select(r => r.Rule));
    }

    [Fact]
    public void Ill_formed_rules_are_refused_at_once()
    {
        Assert.Throws<ArgumentException>(() => new Redactor(RedactionRules.Default with { FieldNames = ["-_-"] }));
        Assert.Throws<ArgumentException>(() => new Redactor(RedactionRules.Default with { Tokens = [new TokenRule("x", "ab", 1)] }));
        Assert.ThrowsAny<ArgumentException>(() => new Redactor(RedactionRules.Default with { Patterns = [new PatternRule("x", "(")] }));
        Assert.Throws<NotSupportedException>(() => new Redactor(RedactionRules.Default with { Patterns = [new PatternRule("x", @"(a)\1")] }));
    }

    [Fact]
    public void Hostile_texts_take_time_in_proportion_to_their_length()
    {
        const int n = 300_000;
        string[] hostile =
        [
            new('@', n), new('=', n), Repeat("a@", n), Repeat("eyJ", n), Repeat("eyJ.", n), Repeat("eyJabcdefghijk.", n), Repeat("sk-", n), Repeat("sk-a ", n), Repeat("://", n),
            Repeat("://a@", n), Repeat("-----BEGIN ", n), Repeat("-----BEGIN PRIVATE KEY ", n), Repeat("Bearer ", n), Repeat("Basic ", n), Repeat("Basic a ", n), Repeat("token=", n), Repeat("token='", n),
            Repeat("1 ", n), Repeat("1-", n), new('4', n), Repeat("4111 ", n), Repeat("\":", n), Repeat("\" ", n) + ":", new(' ', n), "Bearer" + new string(' ', n), new string('a', n) + "@" + new string('b', n),
            Repeat("{\"a\":", n), "[" + new string('[', n), Repeat("\\", n), Repeat("\"", n), Repeat("AKIA", n), Repeat("'password=", n),
        ];
        foreach (var text in hostile)
        {
            var payload = Json(text);
            var started = Stopwatch.GetTimestamp();
            WithoutShortCut.Redact(payload);
            Redactor.Redact(payload);

            // Milliseconds each; a quadratic step takes minutes.
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(10), text[..20]);
        }
    }

    [Fact]
    public void A_payload_with_nothing_to_remove_allocates_nothing()
    {
        var payload = CanonicalJson.Parse("""{"method":"GET","headers":{"accept":"application/json"},"items":[{"id":"7","title":"A \"quoted\" title\nof two lines"}],"url":"https://api.example.com/v1/items?limit=50"}"""u8);
        // The first calls run in the runtime's unoptimized code, which boxes where its final code does not: rounds are counted until that has taken over.
        var started = Stopwatch.GetTimestamp();
        long allocated;
        do
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 100; i++)
                Redactor.Redact(payload);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }
        while (allocated > 0 && Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(30));

        Assert.Equal(0, allocated);
    }

    private static string Repeat(string text, int length) => string.Concat(Enumerable.Repeat(text, length / text.Length));

    private static CanonicalJson Json(string text)
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        CanonicalWriter writer = new(output);
        writer.WriteString(text);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(output.WrittenMemory);
    }
}
