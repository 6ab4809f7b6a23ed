using System.Text;
using System.Text.Json;
using RunProof.Format;
using RunProof.Keys;

namespace RunProof.Witness.Tests;

/// <summary>C2SP tlog-policy.</summary>
public sealed class Policies
{
    private static readonly JsonElement Published = Vectors.Json("tlog-policy", "policies.json");

    public static TheoryData<string> Valid() => [.. Published.GetProperty("valid").EnumerateArray().Select(static vector => vector.Text("name"))];

    public static TheoryData<string> Invalid() => [.. Published.GetProperty("invalid").EnumerateArray().Select(static vector => vector.Text("name"))];

    [Theory]
    [MemberData(nameof(Valid))]
    public void A_policy_is_read_and_its_quorums_are_those_of_the_vectors(string name)
    {
        var vector = Published.GetProperty("valid").EnumerateArray().Single(each => each.Text("name") == name);
        var policy = Parse(vector.Text("policy"));
        foreach (var each in vector.GetProperty("eval").EnumerateArray())
        {
            var cosigners = each.GetProperty("cosigners").EnumerateArray().Select(static cosigner => cosigner.GetString()!).ToHashSet(StringComparer.Ordinal);
            Assert.Equal(each.GetProperty("satisfied").GetBoolean(), policy.IsQuorum(cosigners));
        }
    }

    [Theory]
    [MemberData(nameof(Invalid))]
    public void A_fault_is_refused(string name)
    {
        var vector = Published.GetProperty("invalid").EnumerateArray().Single(each => each.Text("name") == name);
        Assert.False(WitnessPolicy.TryParse(Encoding.UTF8.GetBytes(vector.Text("policy")), out _, out var problem));
        Assert.NotEmpty(problem);
    }

    [Fact]
    public void Groups_as_deep_as_a_policy_can_hold_them_cost_no_stack()
    {
        var witness = RunProof.Keys.NoteSigner.Create("witness.test/w", RunProof.Format.NoteAlgorithm.CosignatureV1, new byte[32]).Key;
        var text = new System.Text.StringBuilder($"witness w {witness}\ngroup 0 all w\n");
        var last = 0;
        for (; text.Length < WitnessPolicy.MaxLength - 100; last++)
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"group {last + 1} any {last}\n");
        text.Append(System.Globalization.CultureInfo.InvariantCulture, $"quorum {last}\n");
        Assert.True(WitnessPolicy.TryParse(System.Text.Encoding.UTF8.GetBytes(text.ToString()), out var policy, out var problem), problem);
        Assert.True(last > 40_000, $"{last} groups");
        Assert.True(policy.IsQuorum(new HashSet<string>(StringComparer.Ordinal) { "w" }));
        Assert.False(policy.IsQuorum(new HashSet<string>(StringComparer.Ordinal)));
        // A caller that gives a group's name as a cosigner's has no witness.
        Assert.False(policy.IsQuorum(new HashSet<string>(StringComparer.Ordinal) { "0", last.ToString(System.Globalization.CultureInfo.InvariantCulture) }));
    }

    [Fact]
    public void A_fault_is_told_with_its_line()
    {
        Assert.False(WitnessPolicy.TryParse("# mine\n\nquorum w1\n"u8, out _, out var problem));
        Assert.Equal("line 3: \"w1\" is not defined before this line", problem);
    }

    [Fact]
    public void One_public_key_under_two_names_with_right_ids_is_refused()
    {
        var key = NoteSigner.Create("a", NoteAlgorithm.CosignatureV1, new byte[32]).Key;
        var again = NoteKey.Create("b", NoteAlgorithm.CosignatureV1, key.PublicKey.ToArray());
        Assert.False(WitnessPolicy.TryParse(Encoding.UTF8.GetBytes($"witness a {key}\nwitness b {again}\nquorum a\n"), out _, out var problem));
        Assert.Equal("line 2: this public key stands in an earlier line", problem);
    }

    [Fact]
    public void Proofs_cosigned_by_two_of_three_satisfy_the_policies_of_the_vectors_and_no_others()
    {
        var vectors = Vectors.Json("generated-tlog", "proofs.json");
        var keys = vectors.GetProperty("witness_vkeys").EnumerateArray().Select(static key => key.GetString()!).ToArray();
        Assert.True(TlogProof.TryParse(vectors.GetProperty("inclusion")[0].Text("proof"), out var proof, out _));
        var head = $"log {vectors.Text("log_vkey")}\n" + string.Concat(keys.Select(static (key, i) => $"witness w{i + 1} {key}\n"));
        foreach (var vector in vectors.GetProperty("policies").EnumerateArray())
        {
            var words = vector.Text("quorum").Split(" of ");
            var policy = Parse(head + (words.Length == 2 ? $"group g {words[0]} {words[1]}\nquorum g\n" : $"quorum {words[0]}\n"));
            Assert.Equal(vector.Text("result") == "valid", policy.Verify(proof.Checkpoint, out var cosigners, out var problem));
            Assert.Equal(["w1", "w2"], cosigners);
            Assert.Equal(vector.Text("result") != "valid", problem.Contains("no quorum", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_false_cosignature_of_a_known_witness_spoils_the_checkpoint_though_no_quorum_needs_it()
    {
        var vectors = Vectors.Json("generated-tlog", "proofs.json");
        Assert.True(TlogProof.TryParse(vectors.GetProperty("inclusion")[0].Text("proof"), out var proof, out _));
        var spoiled = new SignedNote(proof.Checkpoint.Text, [.. proof.Checkpoint.Signatures.Select(static (line, i) => i == 1 ? line with { Signature = new byte[72] } : line)]);
        var policy = Parse($"log {vectors.Text("log_vkey")}\nwitness w1 {vectors.GetProperty("witness_vkeys")[0].GetString()}\nquorum none\n");
        Assert.True(policy.Verify(proof.Checkpoint, out _, out _));
        Assert.False(policy.Verify(spoiled, out _, out var problem));
        Assert.Equal("the signature of witness.example/w1 is false", problem);
    }

    [Fact]
    public void Any_bytes_are_answered()
    {
        var random = new Random(5);
        var policy = Encoding.UTF8.GetBytes(Published.GetProperty("valid")[1].Text("policy"));
        for (var round = 0; round < 5_000; round++)
        {
            var changed = policy.ToArray();
            for (var change = random.Next(1, 4); change > 0; change--)
                changed[random.Next(changed.Length)] = (byte)random.Next(256);
            _ = WitnessPolicy.TryParse(changed.AsSpan(0, random.Next(changed.Length)), out _, out _);
        }
    }

    private static WitnessPolicy Parse(string text)
    {
        Assert.True(WitnessPolicy.TryParse(Encoding.UTF8.GetBytes(text), out var policy, out var problem), problem);
        return policy;
    }
}
