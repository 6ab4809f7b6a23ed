using System.Text;
using BenchmarkDotNet.Attributes;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Benchmarks;

/// <summary>What redaction costs a payload of half a kilobyte: with nothing to remove, which must be next to nothing, and with a token in it.</summary>
[MemoryDiagnoser]
public class RedactionBenchmark
{
    private readonly Redactor _redactor = new();
    private CanonicalJson _clean = null!;
    private CanonicalJson _secret = null!;

    [GlobalSetup]
    public void Setup()
    {
        const string text = "Three contracts end before that date. Supply of paper: written notice of 90 days, clause 12.2. Cleaning: notice by letter, 30 days. Lease of two vans: none. ";
        string Payload(string end) => $$"""{"call_id":"0197f0a2-5b6c-7d8e-9f01-23456789abcd","items":[1,2,3.5],"prompt":"{{text}}","tags":["contracts","q1"],"text":"{{text}}{{end}}"}""";
        _clean = CanonicalJson.FromCanonicalBytes(Encoding.UTF8.GetBytes(Payload("")));
        _secret = CanonicalJson.FromCanonicalBytes(Encoding.UTF8.GetBytes(Payload("ghp_0123456789abcdefghijABCDEFGHIJ012345")));
    }

    [Benchmark(Baseline = true)]
    public int Clean() => _redactor.Redact(_clean).Removals.Count;

    [Benchmark]
    public int WithToken() => _redactor.Redact(_secret).Removals.Count;
}
