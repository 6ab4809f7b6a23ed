namespace RunProof.Format.Tests;

/// <summary>Where one value ends and the next begins: the older digest runs them together, the chain does not.</summary>
public sealed class Boundaries
{
    private readonly ChainHasher _hasher = new();
    private readonly TraceHeader _header = BundleVectors.Header(Vectors.Json("runproof", "bundles", "seed-run.json").GetProperty("header"));
    private readonly TraceStep _step = BundleVectors.Step(Vectors.Json("runproof", "bundles", "seed-run.json").GetProperty("steps")[0]) with { Status = StepStatus.Succeeded, Level = StepLevel.Info };

    [Fact]
    public void A_run_and_an_index_that_the_older_digest_runs_together_are_two_links()
    {
        Assert.Equal(AosFingerprint.Of("r", [(10, "a", StepStatus.Succeeded)]), AosFingerprint.Of("r1", [(0, "a", StepStatus.Succeeded)]));

        var one = _hasher.Link(_hasher.Link(_header with { RunId = RunId.Parse("r") }), _step with { StepIndex = 10, SkillName = "a" });
        var other = _hasher.Link(_hasher.Link(_header with { RunId = RunId.Parse("r1") }), _step with { StepIndex = 0, SkillName = "a" });
        Assert.NotEqual(one, other);
    }

    [Fact]
    public void Two_steps_that_the_older_digest_takes_for_one_are_another_chain()
    {
        Assert.Equal(
            AosFingerprint.Of("r", [(0, "a", StepStatus.Succeeded), (1, "b", StepStatus.Succeeded)]),
            AosFingerprint.Of("r", [(0, "a:success1:b", StepStatus.Succeeded)]));

        var header = _hasher.Link(_header);
        var two = _hasher.Link(_hasher.Link(header, _step with { StepIndex = 0, SkillName = "a" }), _step with { StepIndex = 1, SkillName = "b" });
        Assert.NotEqual(two, _hasher.Link(header, _step with { StepIndex = 0, SkillName = "a:success1:b" }));
    }

    [Fact]
    public void A_character_that_moves_from_one_member_to_the_next_changes_the_link()
    {
        var header = _hasher.Link(_header);
        TraceStep[] steps =
        [
            _step with { SkillId = "ab", SkillName = "c", SkillVersion = "d" },
            _step with { SkillId = "a", SkillName = "bc", SkillVersion = "d" },
            _step with { SkillId = "a", SkillName = "b", SkillVersion = "cd" },
            _step with { SkillId = "a\",\"skill_name\":\"b", SkillName = "c", SkillVersion = "d" },
            _step with { SkillId = "abcd", SkillName = "", SkillVersion = null },
            _step with { SkillId = "abcd", SkillName = "", SkillVersion = "" },
            _step with { SkillId = "abcd", SkillName = "", SkillVersion = "null" },
        ];
        Assert.Equal(steps.Length, steps.Select(step => _hasher.Link(header, step)).Distinct().Count());
    }
}
