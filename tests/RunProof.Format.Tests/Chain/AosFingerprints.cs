namespace RunProof.Format.Tests;

/// <summary>The fingerprints that the older system printed as proofs, and those it would have printed had it hashed what it stored.</summary>
public sealed class AosFingerprints
{
    private const string SeedRun = "89ceeaba-1aa4-42ad-b93e-4bdcd72d75b6";

    internal static Digest Seed() => AosFingerprint.Of(SeedRun, [(0, "http_call", StepStatus.Succeeded)]);

    [Theory]
    [InlineData("78d877a8-9f1e-4bf5-b060-1d5e23949a68", StepStatus.Failed, "5583fbff25cd1129f6d19d662de123f367865ef69a24e0bc420040efc6480783")]
    [InlineData("cf6c5f9e-f642-4a86-ac8b-f61c689aaf72", StepStatus.Failed, "743a5cb677203925459007dec87fbba007afd816e6ef70f91c14102821e348bc")]
    [InlineData("cd6567f1-3398-403b-8243-68ef3291c7ad", StepStatus.Succeeded, "9122e46a89bc7d832aa98a827e2c436e149a341dfc3248fd30a3b24bfaada44d")]
    [InlineData(SeedRun, StepStatus.Succeeded, "d4ce6cf4a8984214901e97b1635ecec3a7562e401b1015680535b18ab35b35b8")]
    public void One_http_call(string run, StepStatus status, string fingerprint) =>
        Assert.Equal(fingerprint, AosFingerprint.Of(run, [(0, "http_call", status)]).ToString());

    [Fact]
    public void Three_steps() => Assert.Equal(
        "0ca74e198c14a378a33c2ecad49ac725c74f3c33cce6dc1512fb32b258654c32",
        AosFingerprint.Of("run-proof-test-001", [(0, "validate_input", StepStatus.Succeeded), (1, "process_data", StepStatus.Succeeded), (2, "generate_report", StepStatus.Succeeded)]).ToString());

    [Fact]
    public void Words_that_the_older_system_never_hashed_are_never_produced()
    {
        var all = Enum.GetValues<StepStatus>().Select(status => AosFingerprint.Of(SeedRun, [(0, "http_call", status)]).ToString()).ToHashSet();

        // The raw words "succeeded" and "failed"; a failure has the third, and no success may.
        Assert.DoesNotContain("bddf5481f1a10e59a4f60f21b4aeb04517794fbdc63a4f35b7c7520680c18a9a", all);
        Assert.DoesNotContain("25cfe295495b13dc098c5ecebd4b6a1e3be28b2202b8dacf8226c7f2d1008459", all);
        Assert.NotEqual("b920d9ca506b2ad18e7f9391698b36dcf96ede101e3115c942c899091da182c1", Seed().ToString());
        Assert.Equal("b920d9ca506b2ad18e7f9391698b36dcf96ede101e3115c942c899091da182c1", AosFingerprint.Of(SeedRun, [(0, "http_call", StepStatus.Failed)]).ToString());
    }

    [Fact]
    public void Blocked_and_interrupted_are_failures_to_it_and_the_others_have_words_of_their_own()
    {
        string Of(StepStatus status) => AosFingerprint.Of(SeedRun, [(0, "http_call", status)]).ToString();

        Assert.Equal(Of(StepStatus.Failed), Of(StepStatus.Blocked));
        Assert.Equal(Of(StepStatus.Failed), Of(StepStatus.Interrupted));
        Assert.Equal(4, Enum.GetValues<StepStatus>().Select(Of).Distinct().Count());
    }
}
