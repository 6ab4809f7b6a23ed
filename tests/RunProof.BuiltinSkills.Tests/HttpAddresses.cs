using System.Net;
using static RunProof.BuiltinSkills.Tests.ScriptedServer;

namespace RunProof.BuiltinSkills.Tests;

public sealed class HttpAddresses
{
    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("0.1.2.3")]
    [InlineData("10.0.0.1")]
    [InlineData("10.255.255.255")]
    [InlineData("100.64.0.1")]
    [InlineData("100.100.100.200")]
    [InlineData("100.127.255.255")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.2")]
    [InlineData("127.255.255.254")]
    [InlineData("168.63.129.16")]
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.0.0.192")]
    [InlineData("192.0.2.1")]
    [InlineData("192.88.99.1")]
    [InlineData("192.168.0.1")]
    [InlineData("198.18.0.1")]
    [InlineData("198.19.255.255")]
    [InlineData("198.51.100.1")]
    [InlineData("203.0.113.1")]
    [InlineData("224.0.0.1")]
    [InlineData("239.255.255.255")]
    [InlineData("240.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::7f00:1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("64:ff9b::127.0.0.1")]
    [InlineData("64:ff9b::10.1.2.3")]
    [InlineData("64:ff9b::a9fe:a9fe")]
    [InlineData("64:ff9b:1::1")]
    [InlineData("100::1")]
    [InlineData("2001::1")]
    [InlineData("2001:0:a9fe:a9fe::1")]
    [InlineData("2001:20::1")]
    [InlineData("2001:db8::1")]
    [InlineData("2002:7f00:1::1")]
    [InlineData("2002:a00:1::1")]
    [InlineData("2002:c0a8:101::1")]
    [InlineData("3fff::1")]
    [InlineData("fc00::1")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fdff::1")]
    [InlineData("fe80::1")]
    [InlineData("fe80::1%1")]
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    public void An_address_that_is_not_public_is_refused(string address)
    {
        Assert.False(AddressPolicy.IsPublic(IPAddress.Parse(address)));
        Assert.False(new AddressPolicy([]).Allows("example.com", 80, IPAddress.Parse(address)));
    }

    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("8.8.8.8")]
    [InlineData("9.255.255.255")]
    [InlineData("11.0.0.0")]
    [InlineData("100.63.255.255")]
    [InlineData("100.128.0.0")]
    [InlineData("126.255.255.255")]
    [InlineData("128.0.0.1")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.0")]
    [InlineData("192.0.1.0")]
    [InlineData("198.17.255.255")]
    [InlineData("198.20.0.0")]
    [InlineData("223.255.255.255")]
    [InlineData("2606:4700:4700::1111")]
    [InlineData("2001:4860:4860::8888")]
    [InlineData("64:ff9b::8.8.8.8")]
    [InlineData("2002:808:808::1")]
    [InlineData("::ffff:8.8.8.8")]
    public void A_public_address_is_allowed(string address) => Assert.True(new AddressPolicy([]).Allows("example.com", 80, IPAddress.Parse(address)));

    [Theory]
    [InlineData("10.0.0.0/8", "any", 1, "10.9.8.7", true)]
    [InlineData("10.0.0.0/8", "any", 1, "11.0.0.1", true)]
    [InlineData("10.0.0.0/8", "any", 1, "192.168.0.1", false)]
    [InlineData("10.0.0.0/8", "any", 1, "::ffff:10.9.8.7", true)]
    [InlineData("10.0.0.0/8", "any", 1, "64:ff9b::a00:1", false)]
    [InlineData("fd00::/8", "any", 1, "fd00::1", true)]
    [InlineData("localhost:5000", "localhost", 5000, "127.0.0.1", true)]
    [InlineData("localhost:5000", "LOCALHOST", 5000, "::1", true)]
    [InlineData("localhost:5000", "localhost", 5001, "127.0.0.1", false)]
    [InlineData("localhost:5000", "127.0.0.1", 5000, "127.0.0.1", false)]
    [InlineData("127.0.0.1:80", "127.0.0.1", 80, "127.0.0.1", true)]
    [InlineData("[::1]:80", "::1", 80, "::1", true)]
    [InlineData("[::1]:80", "[::1]", 80, "::1", true)]
    public void What_the_operator_allows_is_allowed_and_nothing_beside_it(string entry, string host, int port, string address, bool allowed) =>
        Assert.Equal(allowed, new AddressPolicy([entry]).Allows(host, port, IPAddress.Parse(address)));

    [Theory]
    [InlineData("localhost")]
    [InlineData("10.0.0.0/33")]
    [InlineData("a b:1")]
    [InlineData("host:port")]
    [InlineData("http://host:80")]
    [InlineData("")]
    public void An_entry_that_is_neither_endpoint_nor_network_is_refused_at_the_start(string entry) =>
        Assert.Throws<ArgumentException>(() => new HttpTransport(new HttpCallOptions { Allow = [entry] }, new SystemNameResolver()));

    [Theory]
    [InlineData("http://127.0.0.1/")]
    [InlineData("http://127.0.0.2/")]
    [InlineData("http://127.1/")]
    [InlineData("http://2130706433/")]
    [InlineData("http://0x7f000001/")]
    [InlineData("http://0177.0.0.1/")]
    [InlineData("http://[::1]/")]
    [InlineData("http://[::ffff:127.0.0.1]/")]
    [InlineData("http://[64:ff9b::7f00:1]/")]
    [InlineData("http://169.254.169.254/latest/")]
    [InlineData("http://inside.example/")]
    [InlineData("http://mixed.example/")]
    public async Task Every_way_to_spell_a_private_place_is_blocked(string url)
    {
        var resolver = new ScriptedResolver(
            ("inside.example", ["10.0.0.7", "fd00::7"]), ("mixed.example", ["::ffff:192.168.0.1"]), ("2130706433", ["127.0.0.1"]), ("0x7f000001", ["127.0.0.1"]), ("127.1", ["127.0.0.1"]));

        var failure = await SkillHarness.FailAsync("http_call", $$"""{"url":"{{url}}"}""", new HttpCallOptions(), resolver);

        Assert.Equal(("address_blocked", false), (failure.Code, failure.Retryable));
    }

    [Fact]
    public async Task A_name_is_connected_to_at_the_address_that_was_checked_and_asked_for_once()
    {
        // The second answer of a rebinding server would be the loopback address: no one may ask for it.
        await using var server = new ScriptedServer(_ => Response("200 OK"));
        var resolver = new ScriptedResolver(("rebind.example", ["203.0.113.9"]), ("rebind.example", ["127.0.0.1"]));

        var failure = await SkillHarness.FailAsync("http_call", $$"""{"url":"http://rebind.example:{{server.Port}}/"}""", new HttpCallOptions(), resolver);

        Assert.Equal("address_blocked", failure.Code);
        Assert.Equal(1, resolver.Asked);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task An_allowed_endpoint_is_reached_by_its_name_only()
    {
        await using var server = new ScriptedServer(_ => Response("200 OK"));
        var options = new HttpCallOptions { Allow = [$"demo.example:{server.Port}"] };
        var resolver = new ScriptedResolver(("demo.example", ["127.0.0.1"]), ("other.example", ["127.0.0.1"]));

        await SkillHarness.SucceedAsync("http_call", $$"""{"url":"http://demo.example:{{server.Port}}/"}""", options, resolver);

        Assert.Equal("address_blocked", (await SkillHarness.FailAsync("http_call", $$"""{"url":"http://other.example:{{server.Port}}/"}""", options, resolver)).Code);
        Assert.Contains($"Host: demo.example:{server.Port}", Assert.Single(server.Requests), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_that_does_not_answer_gives_way_to_the_next()
    {
        await using var server = new ScriptedServer(_ => Response("200 OK"));
        var resolver = new ScriptedResolver(("two.example", ["127.0.0.9", "127.0.0.1"]));

        await SkillHarness.SucceedAsync("http_call", $$"""{"url":"http://two.example:{{server.Port}}/"}""", resolver: resolver);

        Assert.Single(server.Requests);
    }
}
