using System.Data.Common;
using Microsoft.AspNetCore.Builder;
using RunProof.Format;

namespace RunProof.ServiceDefaults.Tests;

public sealed class AuthenticationTests
{
    [Theory]
    [InlineData("Authorization", "Bearer {0}")]
    [InlineData("Authorization", "bearer {0}")]
    [InlineData("X-API-Key", "{0}")]
    public async Task A_key_puts_the_request_into_its_tenant(string header, string form)
    {
        await using var service = await Service.StartAsync();
        var key = service.Keys.Add("acme", "runner");
        var (status, body, _) = await service.SendAsync(HttpMethod.Get, "/tenant", headers: (header, form.Replace("{0}", key)));
        Assert.Equal((200, "acme key_0"), (status, body));
    }

    [Theory]
    [InlineData("Authorization", "")]
    [InlineData("Authorization", "Bearer")]
    [InlineData("Authorization", "Bearer rpk_short")]
    [InlineData("Authorization", "Basic dXNlcjpwYXNz")]
    [InlineData("Authorization", "Bearer rpk_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("X-API-Key", "rpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/")]
    [InlineData("X-Other", "1")]
    public async Task Without_a_valid_key_the_answer_is_401(string header, string value)
    {
        await using var service = await Service.StartAsync();
        var problem = await service.ProblemAsync(401, HttpMethod.Get, "/tenant", headers: (header, value));
        Assert.Equal("/problems/unauthorized", problem["type"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_text_without_the_form_of_a_key_never_reaches_the_store()
    {
        await using var service = await Service.StartAsync();
        await service.ProblemAsync(401, HttpMethod.Get, "/tenant", headers: ("X-API-Key", "rpk_short"));
        Assert.Equal(0, service.Keys.LookUps);
    }

    [Fact]
    public async Task A_scope_that_is_too_narrow_is_403_and_a_wider_one_is_enough()
    {
        await using var service = await Service.StartAsync();
        var (runner, auditor) = (service.Keys.Add("acme", "runner"), service.Keys.Add("acme", "auditor"));
        var problem = await service.ProblemAsync(403, HttpMethod.Post, "/write", headers: ("X-API-Key", auditor));
        Assert.Equal("/problems/forbidden", problem["type"]!.GetValue<string>());
        Assert.Contains("auditor", problem["detail"]!.GetValue<string>());
        Assert.Equal(200, (await service.SendAsync(HttpMethod.Post, "/write", headers: ("X-API-Key", runner))).Status);
        Assert.Equal(200, (await service.SendAsync(HttpMethod.Get, "/tenant", headers: ("X-API-Key", auditor))).Status);
        Assert.Equal(200, (await service.SendAsync(HttpMethod.Get, "/tenant", headers: ("X-API-Key", runner))).Status);
    }

    [Fact]
    public async Task A_valid_key_is_remembered_for_five_seconds_and_a_revocation_seen_then()
    {
        await using var service = await Service.StartAsync();
        var key = service.Keys.Add("acme", "runner");
        async Task<int> Get() => (await service.SendAsync(HttpMethod.Get, "/tenant", headers: ("X-API-Key", key))).Status;
        Assert.Equal(200, await Get());
        service.Keys.Revoke(key);
        service.Clock.Advance(ApiKeyCache.Lifetime - TimeSpan.FromTicks(1));
        Assert.Equal((200, 1), (await Get(), service.Keys.LookUps));
        service.Clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal((401, 2), (await Get(), service.Keys.LookUps));
        Assert.True(ApiKeyCache.Lifetime <= TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task An_unknown_key_is_not_remembered()
    {
        var (keys, clock) = (new FakeKeys(), new Testing.ManualTimeProvider());
        var cache = new ApiKeyCache(keys, clock);
        var hash = ApiKeySecret.HashOf(ApiKeySecret.Create());
        Assert.Null(await cache.FindAsync(hash, TestContext.Current.CancellationToken));
        Assert.Null(await cache.FindAsync(hash, TestContext.Current.CancellationToken));
        Assert.Equal(2, keys.LookUps);
    }

    [Fact]
    public async Task A_store_that_cannot_be_reached_is_503_and_says_to_retry()
    {
        await using var service = await Service.StartAsync();
        service.Keys.Failure = new Unreachable();
        var (status, body, answer) = await service.SendAsync(HttpMethod.Get, "/tenant", headers: ("X-API-Key", ApiKeySecret.Create()));
        Assert.Equal(503, status);
        Assert.Contains("/problems/unavailable", body);
        Assert.NotNull(answer.Headers.RetryAfter);
    }

    [Fact]
    public void Keys_have_their_form_and_are_never_alike()
    {
        var keys = Enumerable.Range(0, 200).Select(_ => ApiKeySecret.Create()).ToList();
        Assert.All(keys, key => Assert.Matches("^rpk_[A-Za-z0-9_-]{43}$", key));
        Assert.All(keys, key => Assert.True(ApiKeySecret.IsWellFormed(key)));
        Assert.Equal(200, keys.Distinct().Count());
        // SHA-256 of the whole text, by another implementation.
        Assert.Equal(Digest.Parse(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(keys[0])))), ApiKeySecret.HashOf(keys[0]));
    }

    [Fact]
    public void Authentication_brings_no_data_protection_and_so_writes_no_keys_to_disk()
    {
        var builder = WebApplication.CreateBuilder();
        builder.AddServiceDefaults();
        builder.Services.AddApiKeyAuthentication();
        Assert.DoesNotContain(builder.Services, service => service.ServiceType.FullName!.Contains("DataProtection", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_unknown_scope_in_the_code_is_a_misuse() =>
        await Assert.ThrowsAsync<ArgumentException>(() => Service.StartAsync(configure: _ => ((Microsoft.AspNetCore.Builder.RouteHandlerBuilder)null!).RequireScope("owner")));

    private sealed class Unreachable : DbException
    {
        public override bool IsTransient => true;
    }
}
