using System.Text.Json.Serialization;
using RunProof.Format;
using RunProof.Verification;

namespace RunProof.Verifier;

/// <summary>What <c>GET /api/v1/runs/{run_id}/proof</c> answers.</summary>
internal sealed record ProofResponse
{
    public required string RunId { get; init; }
    public required string TenantId { get; init; }

    /// <summary><c>HASH_CHAIN</c> or <c>MERKLE_TREE</c>.</summary>
    public required string IntegrityModel { get; init; }

    /// <summary><c>VERIFIED</c>, <c>FAILED</c> or <c>UNSUPPORTED</c>.</summary>
    public required string VerificationStatus { get; init; }

    /// <summary>The code of the finding that decides; null where verified.</summary>
    public required string? FailureCode { get; init; }

    /// <summary>The same finding's sentence: <c>step 3: outcome_data does not match its commitment</c>.</summary>
    public required string? FailureReason { get; init; }

    /// <summary>Steps that the seals count; null while a trace is open.</summary>
    public required int? ChainLength { get; init; }

    /// <summary>The recorded root_hash of the run's trace; null while it is open, or where the run has several, which each have their own.</summary>
    public required string? RootHash { get; init; }
    public required int TraceCount { get; init; }
    public required int StepCount { get; init; }

    /// <summary>Everything that was checked, and what was not.</summary>
    public required IReadOnlyList<CheckResponse> Checks { get; init; }

    /// <summary>What does not hold, in the order of the chain; or why the run is unsupported.</summary>
    public required IReadOnlyList<FindingResponse> Findings { get; init; }

    /// <summary>Findings beyond the first 10,000 of each trace, which are not listed.</summary>
    public required long FindingsOmitted { get; init; }

    /// <summary>What follows from the evidence and is kept beside it, compared; it changes no verdict. Null where the store keeps none.</summary>
    public required SideRecordsResponse? SideRecords { get; init; }

    /// <summary>Payloads of which the commitment alone is left: erased, and the proof still holds.</summary>
    public required IReadOnlyList<string> ErasedPayloads { get; init; }

    /// <summary>Where each trace stands in the tenant's log, in the order of the traces.</summary>
    public required IReadOnlyList<LogPlaceResponse> Log { get; init; }

    /// <summary>The traces as recorded.</summary>
    public required IReadOnlyList<TraceResponse> AosTraces { get; init; }

    /// <summary>The steps as recorded, in the order of the traces and of their indices.</summary>
    public required IAsyncEnumerable<StepResponse> AosTraceSteps { get; init; }

    /// <summary>What the older AOS printed as a proof. For comparison only: it proves nothing. Null where a status is none that AOS had.</summary>
    public required string? AosFingerprint { get; init; }
    public required string VerifiedAt { get; init; }
}

/// <summary>Where a trace stands in its tenant's log. Null members: not yet, or not there; the checks say which.</summary>
/// <param name="TraceId">The trace.</param>
/// <param name="OpenedIndex">The entry of its opening.</param>
/// <param name="EntryIndex">The entry of its seal.</param>
/// <param name="Entry">That entry's text, whose UTF-8 is the leaf's data.</param>
/// <param name="Inclusion">Its path to the checkpoint's root, base64, the leaf's sibling first.</param>
/// <param name="Checkpoint">The published checkpoint, a signed note.</param>
internal sealed record LogPlaceResponse(string TraceId, long? OpenedIndex, long? EntryIndex, string? Entry, IReadOnlyList<string>? Inclusion, string? Checkpoint)
{
    internal static LogPlaceResponse Of(RecordedTrace trace, LogEvidence place) => new(
        trace.TraceId, place.Opened?.Position, place.Sealed?.Position, place.Sealed?.Text, place.Sealed?.Path.Select(static hash => Convert.ToBase64String(hash.Span)).ToList(), place.Checkpoint?.ToString());
}

/// <summary>One check: <c>passed</c>, <c>failed</c> or <c>not_done</c>.</summary>
internal sealed record CheckResponse(string Name, string Status, string Detail)
{
    internal static CheckResponse Of(Check check) => new(
        check.Name,
        check.Status switch
        {
            CheckStatus.Passed => "passed",
            CheckStatus.Failed => "failed",
            _ => "not_done",
        },
        check.Detail);
}

/// <summary>One finding.</summary>
internal sealed record FindingResponse(string Code, string Place, string Message)
{
    internal static FindingResponse Of(Finding finding) => new(finding.Code, finding.Place, finding.Message);
}

/// <summary>Written without reflection. Members are the wire's snake_case.</summary>
[JsonSerializable(typeof(ProofResponse))]
[JsonSerializable(typeof(EvidenceResponse))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
internal sealed partial class ProofJson : JsonSerializerContext;
