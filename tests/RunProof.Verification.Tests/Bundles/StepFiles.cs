using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Keys;

namespace RunProof.Verification.Tests;

/// <summary>One step without the others (runproof-step/v1): every step of the published bundles, and every field changed.</summary>
public sealed class StepFiles
{
    public static TheoryData<string> Names => [.. Directory.GetFiles(Path.Combine(Evidence.Vectors, "bundles"), "*.json").Select(static path => Path.GetFileNameWithoutExtension(path)!).Where(static name => name != "no-steps-aborted")];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_step_of_a_bundle_is_verified_alone(string name)
    {
        var bundle = Read(name);
        for (var step = 0; step < bundle.Steps.Count; step++)
        {
            var report = StepFileVerifier.Verify(Text(StepDisclosure.Of(bundle, step)), Trusting(bundle));
            Assert.True(report.Findings.Count == (bundle.Log is null ? 1 : 0), string.Join('\n', report.Findings));
            Assert.Equal(bundle.Log is null ? "UNSUPPORTED" : "VERIFIED", report.Verdict.Name);
            Assert.Equal(step, report.File!.Step.StepIndex);
            Assert.Equal("UNSUPPORTED", StepFileVerifier.Verify(Text(StepDisclosure.Of(bundle, step)), new BundleOptions()).Verdict.Name);
        }
    }

    [Fact]
    public void The_others_are_only_hashes_and_payloads_may_be_withheld()
    {
        var bundle = Read("forty-steps");
        var shown = Encoding.UTF8.GetString(Text(StepDisclosure.Of(bundle, 7)));
        var own = StepDisclosure.Of(bundle, 7).Payloads.Keys;
        Assert.NotEmpty(own);
        Assert.All(bundle.Payloads.Where(payload => !own.Contains(payload.Key) && payload.Key != bundle.Seal.MetadataHash), payload => Assert.DoesNotContain(payload.Key.ToString(), shown, StringComparison.Ordinal));
        Assert.All(bundle.Steps.Where(static step => step.StepIndex != 7), step => Assert.DoesNotContain(step.InputHash.ToString(), shown, StringComparison.Ordinal));
        var withheld = StepFileVerifier.Verify(Text(StepDisclosure.Of(bundle, 7, withPayloads: false)), Trusting(bundle));
        Assert.Equal("VERIFIED", withheld.Verdict.Name);
        Assert.Equal(0, withheld.PayloadsVerified);
        var given = StepFileVerifier.Verify(Text(StepDisclosure.Of(bundle, 7, withPayloads: false)), Trusting(bundle) with { Withheld = commitment => bundle.Payloads.GetValueOrDefault(commitment) });
        Assert.Equal(own.Count(), given.PayloadsVerified - (bundle.Seal.MetadataHash is null ? 0 : 1));
    }

    [Fact]
    public void What_was_read_is_written_as_it_was()
    {
        var text = Text(StepDisclosure.Of(Read("forty-steps"), 39));
        Assert.True(StepFileVerifier.TryRead(text, out var file, out _));
        Assert.Equal(Encoding.UTF8.GetString(text), Encoding.UTF8.GetString(Text(file)));
        Assert.Equal(Encoding.UTF8.GetString(Canonicalizer.Canonicalize(text, NumberRule.Exact)), Encoding.UTF8.GetString(text));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(39)]
    public void Every_field_changed_is_refused(int step)
    {
        var bundle = Read("forty-steps");
        var (root, changes) = (JsonNode.Parse(Text(StepDisclosure.Of(bundle, step)))!, 0);
        foreach (var (change, undo, path) in Changes(root, ""))
        {
            changes++;
            change();
            var report = StepFileVerifier.Verify(Encoding.UTF8.GetBytes(root.ToJsonString()), Trusting(bundle));
            Assert.True(report.Verdict.Status is VerificationStatus.Failed, $"{path}: {report.Verdict}");
            Assert.NotEmpty(report.Findings);
            undo();
        }

        Assert.True(changes > 45, $"{changes} fields");
        Assert.Equal("VERIFIED", StepFileVerifier.Verify(Encoding.UTF8.GetBytes(root.ToJsonString()), Trusting(bundle)).Verdict.Name);
    }

    [Fact]
    public void The_step_of_another_place_or_trace_is_refused()
    {
        var (bundle, other) = (Read("forty-steps"), Read("tree-3"));
        var file = StepDisclosure.Of(bundle, 7);
        foreach (var changed in new[] { file with { Step = bundle.Steps[8] }, file with { Step = other.Steps[0] }, file with { Log = other.Log }, file with { Seal = other.Seal }, file with { StepsPath = StepDisclosure.Of(bundle, 8).StepsPath }, file with { PreviousLink = bundle.Links[8] }, file with { Log = other.Log, RootHash = other.RootHash, Seal = other.Seal, LastLink = other.Links[^1] } })
            Assert.Equal("FAILED", StepFileVerifier.Verify(Text(changed), Trusting(bundle)).Verdict.Name);
        Assert.Throws<ArgumentOutOfRangeException>(() => StepDisclosure.Of(bundle, 40));
        Assert.Throws<ArgumentOutOfRangeException>(() => StepDisclosure.Of(bundle, -1));
    }

    /// <summary>Every member of the document, at every depth: a change, and how to undo it.</summary>
    internal static IEnumerable<(Action Change, Action Undo, string Path)> Changes(JsonNode node, string path)
    {
        if (node is JsonObject record)
        {
            foreach (var (name, value) in record.ToList())
            {
                if (value is JsonObject or JsonArray)
                {
                    foreach (var inner in Changes(value, $"{path}.{name}"))
                        yield return inner;
                }
                else
                {
                    var former = value?.DeepClone();
                    yield return (() => record[name] = Other(former), () => record[name] = former?.DeepClone(), $"{path}.{name}");
                }

                var kept = value?.DeepClone();
                if (value is not JsonObject)
                    yield return (() => record.Remove(name), () => record[name] = kept?.DeepClone(), $"{path}.{name} removed");
            }
        }
        else if (node is JsonArray list)
        {
            for (var i = 0; i < list.Count; i++)
            {
                var (at, former) = (i, list[i]!.DeepClone());
                yield return (() => list[at] = Other(former), () => list[at] = former.DeepClone(), $"{path}[{i}]");
            }

            yield return (() => list.Add("00"), () => list.RemoveAt(list.Count - 1), $"{path} longer");
        }
    }

    private static JsonNode Other(JsonNode? former) => former?.GetValueKind() switch
    {
        System.Text.Json.JsonValueKind.Number => former.GetValue<double>() + 1,
        System.Text.Json.JsonValueKind.True => false,
        System.Text.Json.JsonValueKind.False => true,
        System.Text.Json.JsonValueKind.String => Changed(former.GetValue<string>()),
        _ => "other",
    };

    // The first character that is a digit or a letter becomes the next one: hex stays hex, a time may stay a time.
    private static string Changed(string text)
    {
        var at = text.AsSpan().IndexOfAnyInRange('0', 'z');
        return at < 0 ? text + "0" : string.Concat(text.AsSpan(0, at), text[at] is '9' or 'f' or 'z' ? "1" : ((char)(text[at] + 1)).ToString(), text.AsSpan(at + 1));
    }

    private static ProofBundle Read(string name)
    {
        Assert.True(BundleReader.TryRead(File.ReadAllBytes(Path.Combine(Evidence.Vectors, "bundles", name + ".json")), out var bundle, out var faults), string.Join('\n', faults));
        return bundle;
    }

    private static BundleOptions Trusting(ProofBundle bundle) => new() { TrustedKeys = bundle.Log is null ? [] : [NoteVerifier.Parse(bundle.Log.PublicKey)] };

    private static byte[] Text(StepDisclosure file)
    {
        var buffer = new ArrayBufferWriter<byte>();
        file.Write(buffer);
        return buffer.WrittenSpan.ToArray();
    }
}
