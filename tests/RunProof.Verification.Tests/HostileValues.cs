using FsCheck;
using FsCheck.Fluent;
using RunProof.Format;

namespace RunProof.Verification.Tests;

/// <summary>Whatever a store gives back, the verifier answers.</summary>
public sealed class HostileValues
{
    private static readonly string[] Texts =
        ["", " ", "succeeded", "completed", "running", "INFO", "trace_", "\uD800", "a\uDC00b", "\uD83D\uDE00", "\0", new string('x', 500), "runproof/v1", "0", "1", "NaN", "Infinity", "-0", "0.125",
         "79228162514264337593543950336", "0.00000000000000000000000000001", "1e5", "1.2.3", "--1", "-", ".", new string('9', 4000)];

    private static readonly byte[]?[] Bytes = [null, [], new byte[1], new byte[16], new byte[31], new byte[32], new byte[33]];

    private static readonly DateTimeOffset[] Times =
        [DateTimeOffset.MinValue, DateTimeOffset.MaxValue, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddTicks(1), new(2026, 1, 1, 0, 0, 0, TimeSpan.FromHours(14))];

    private static readonly double[] Numbers = [0, -0.0, 1.5, -1, double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.Epsilon, double.MaxValue];

    private static readonly int[] Integers = [0, 1, 7, -1, int.MinValue, int.MaxValue];

    [Fact]
    public void Random_changes_give_findings_and_never_an_exception() =>
        Prop.ForAll(Arb.From(Gen.Choose(0, int.MaxValue)), seed =>
        {
            var report = Mutate(new Random(seed)).Verify(new VerificationOptions { Model = seed % 2 == 0 ? IntegrityModel.HashChain : IntegrityModel.MerkleTree });
            return report.Verdict.Status is VerificationStatus.Failed && report.Findings.Count > 0;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void A_verdict_is_verified_only_where_every_required_check_has_passed() =>
        Prop.ForAll(Arb.From(Gen.ListOf(Gen.Choose(0, 2), 9)), Arb.From(Gen.Elements(IntegrityModel.HashChain, IntegrityModel.MerkleTree)), (states, model) =>
        {
            var required = EvidenceChecks.RequiredFor(model).ToList();
            var checks = required.Zip(states, (kind, state) => new Check(kind, (CheckStatus)state, "")).ToList();
            var verdict = Verdict.Of(model, checks).Status;
            var all = checks.TrueForAll(check => check.Status is CheckStatus.Passed);
            var any = checks.Exists(check => check.Status is CheckStatus.Failed);
            return verdict == (any ? VerificationStatus.Failed : all ? VerificationStatus.Verified : VerificationStatus.Unsupported);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Theory]
    [InlineData(IntegrityModel.HashChain)]
    [InlineData(IntegrityModel.MerkleTree)]
    public void A_verdict_without_one_of_the_required_checks_is_not_verified(IntegrityModel model)
    {
        var required = EvidenceChecks.RequiredFor(model).Select(kind => new Check(kind, CheckStatus.Passed, "")).ToList();
        Assert.Equal(VerificationStatus.Verified, Verdict.Of(model, required).Status);
        foreach (var check in required)
            Assert.Equal(VerificationStatus.Unsupported, Verdict.Of(model, [.. required.Except([check])]).Status);
        Assert.Equal(VerificationStatus.Unsupported, Verdict.Of(model, []).Status);
    }

    [Fact]
    public void No_one_outside_can_make_a_verdict_a_check_or_a_report()
    {
        foreach (var type in (Type[])[typeof(Verdict), typeof(Check), typeof(TraceReport), typeof(RunReport), typeof(TraceVerifier)])
        {
            Assert.Empty(type.GetConstructors());
            Assert.True(type.IsSealed);
        }

        Assert.All(typeof(Verdict).GetProperties(), property => Assert.False(property.CanWrite));
    }

    [Theory]
    [InlineData("0", "0.00", true)]
    [InlineData("0", "-0", false)]
    [InlineData("0.25", "0.250000000000000000000000000000000000", true)]
    [InlineData("0.25", "0.250000000000000000000000000000000001", false)]
    [InlineData("0.25", "NaN", false)]
    [InlineData("0.25", "1e-1", false)]
    [InlineData("0.25", null, false)]
    public void A_cost_is_compared_exactly(string recorded, string? shown, bool holds)
    {
        var evidence = Evidence.Bundle("forty-steps");
        var step = evidence.Steps.FindIndex(candidate => candidate.CostCents == recorded);
        Assert.Equal(holds ? "VERIFIED" : "FAILED", evidence.With(step, s => s with { CostCents = shown! }).Verify().Verdict.Name);
    }

    [Fact]
    public void Minus_zero_is_no_duration_although_it_has_the_bytes_of_zero()
    {
        var finding = Evidence.Bundle("forty-steps").With(4, step => step with { DurationMs = -0.0 }).Verify().Findings[0];
        Assert.Equal((FindingCodes.ValueOutOfRange, "steps[4].duration_ms"), (finding.Code, finding.Place));
    }

    [Fact]
    public void Half_a_payload_is_incomplete()
    {
        foreach (var (change, place) in (List<(Func<RecordedPayload, RecordedPayload>, string)>)[
            (payload => payload with { Salt = null }, "steps[3].outcome_salt"),
            (payload => payload with { Text = null }, "steps[3].outcome_data"),
            (payload => payload with { Commitment = null }, "steps[3].output_hash"),
            (payload => payload with { Salt = new byte[15] }, "steps[3].outcome_salt"),
            (payload => payload with { Text = "\uD800" }, "steps[3].outcome_data"),
            (payload => payload with { Commitment = new byte[31] }, "steps[3].output_hash")])
        {
            var report = Evidence.Bundle("forty-steps").With(3, step => step with { Output = change(step.Output) }).Verify();
            Assert.Equal(("FAILED", place), (report.Verdict.Name, report.Findings[0].Place));
        }
    }

    [Fact]
    public void Half_a_seal_is_a_mismatch()
    {
        var none = new RecordedPayload(null, null, null, Loaded: true);
        foreach (var change in (Func<RecordedTrace, RecordedTrace>[])[
            trace => trace with { Status = "running" },
            trace => trace with { ChainLength = null },
            trace => trace with { CompletedAt = null },
            trace => trace with { StepsRoot = null },
            trace => trace with { RootHash = null },
            trace => trace with { Metadata = none },
            trace => trace with { ChainLength = null, CompletedAt = null, StepsRoot = null, RootHash = null, Metadata = none },
            trace => trace with { Status = "running", ChainLength = null, CompletedAt = null, StepsRoot = null, RootHash = null }])
        {
            Assert.Equal("FAILED", Evidence.Bundle("forty-steps").With(change).Verify().Verdict.Name);
        }
    }

    /// <summary>One to three columns set to something hostile that differs from what was recorded.</summary>
    private static Evidence Mutate(Random random)
    {
        var evidence = Evidence.Bundle("tree-9");
        var intact = evidence;
        while (Same(evidence, intact))
        {
            for (var changes = random.Next(1, 4); changes > 0; changes--)
                evidence = random.Next(3) == 0 || evidence.Steps.Count == 0 ? evidence.With(trace => Set(trace, random)) : evidence.With(random.Next(evidence.Steps.Count), step => Set(step, random));
        }

        return evidence;
    }

    private static bool Same(Evidence one, Evidence other) => Text(one) == Text(other);

    private static string Text(Evidence evidence) => string.Join('\n', evidence.Steps.Select(Show).Prepend(Show(evidence.Trace)));

    private static string Show(object record) => string.Join('|', record.GetType().GetProperties().Select(property => property.GetValue(record) switch
    {
        byte[] bytes => Convert.ToHexString(bytes),
        RecordedPayload payload => $"{Hex(payload.Commitment)}/{Hex(payload.Salt)}/{payload.Text ?? "null"}",
        DateTimeOffset time => time.UtcTicks.ToString(),
        null => "null",
        var value => value.ToString(),
    }));

    private static string Hex(byte[]? bytes) => bytes is null ? "null" : Convert.ToHexString(bytes);

    /// <summary>Sets any property through its initializer, whatever its type, as a store without any rule could.</summary>
    private static T Set<T>(T record, Random random)
        where T : class
    {
        var copy = (T)typeof(T).GetMethod("<Clone>$")!.Invoke(record, null)!;
        var properties = typeof(T).GetProperties().Where(property => property.CanWrite && property.Name is not "ArchivedAt").ToArray();
        var chosen = properties[random.Next(properties.Length)];
        chosen.SetValue(copy, Value(chosen.PropertyType, chosen.GetValue(record), random));
        return copy;
    }

    private static object? Value(Type type, object? old, Random random)
    {
        if (old is RecordedPayload payload)
            return Hostile(payload, random);
        var bare = Nullable.GetUnderlyingType(type) ?? type;
        if ((Nullable.GetUnderlyingType(type) is not null || type == typeof(string)) && random.Next(4) == 0)
            return null;
        return bare switch
        {
            _ when bare == typeof(string) => Texts[random.Next(Texts.Length)],
            _ when bare == typeof(byte[]) => Bytes[random.Next(Bytes.Length)],
            _ when bare == typeof(DateTimeOffset) => Times[random.Next(Times.Length)],
            _ when bare == typeof(double) => Numbers[random.Next(Numbers.Length)],
            _ when bare == typeof(int) => Integers[random.Next(Integers.Length)],
            _ when bare == typeof(long) => random.Next(2) == 0 ? long.MinValue : random.NextInt64(),
            _ when bare == typeof(bool) => random.Next(2) == 0,
            _ => throw new NotSupportedException(type.Name),
        };
    }

    /// <summary>Anything but an erasure, which is allowed.</summary>
    private static RecordedPayload Hostile(RecordedPayload payload, Random random)
    {
        var hostile = random.Next(3) switch
        {
            0 => payload with { Commitment = Bytes[random.Next(Bytes.Length)] },
            1 => payload with { Salt = Bytes[random.Next(1, Bytes.Length)] },
            _ => payload with { Text = Texts[random.Next(Texts.Length)] },
        };
        return hostile is { Commitment: not null, Salt: null, Text: null } ? payload : hostile;
    }
}
