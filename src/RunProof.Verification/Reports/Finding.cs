namespace RunProof.Verification;

/// <summary>Something that does not hold, and where.</summary>
/// <param name="Code">One of <see cref="FindingCodes"/>: stable, to branch on.</param>
/// <param name="Place">Where: <c>header</c>, <c>header.seed</c>, <c>steps[3]</c>, <c>steps[3].outcome_data</c>, <c>seal.status</c>, <c>root_hash</c>.</param>
/// <param name="Message">A sentence that names the place too: <c>step 3: outcome_data does not match its commitment</c>.</param>
public sealed record Finding(string Code, string Place, string Message);

/// <summary>Codes of findings. One is never given another meaning.</summary>
public static class FindingCodes
{
    /// <summary>The header does not give the recorded link[0].</summary>
    public const string HeaderLinkMismatch = "HEADER_LINK_MISMATCH";

    /// <summary>A step does not give the recorded link that follows from the one before it.</summary>
    public const string StepLinkMismatch = "STEP_LINK_MISMATCH";

    /// <summary>A recorded link is missing or was itself changed: header or step hold, as what follows shows.</summary>
    public const string LinkChanged = "LINK_CHANGED";

    /// <summary>A payload's salt and text do not give its commitment.</summary>
    public const string PayloadMismatch = "PAYLOAD_MISMATCH";

    /// <summary>A payload has text without salt, salt without text, either without a commitment, or lacks a commitment it must have.</summary>
    public const string PayloadIncomplete = "PAYLOAD_INCOMPLETE";

    /// <summary>A payload holds to its commitment and is none of the shape that its step names.</summary>
    public const string PayloadSchemaMismatch = "PAYLOAD_SCHEMA_MISMATCH";

    /// <summary>A step is missing, or its index is not the next one.</summary>
    public const string StepIndexGap = "STEP_INDEX_GAP";

    /// <summary>A step comes again, or after one that follows it.</summary>
    public const string StepOutOfOrder = "STEP_OUT_OF_ORDER";

    /// <summary>A step is there that the seal does not count.</summary>
    public const string StepAfterSeal = "STEP_AFTER_SEAL";

    /// <summary>A level is not the function of its step's status.</summary>
    public const string LevelMismatch = "LEVEL_MISMATCH";

    /// <summary>The seal's number of steps is not the number of steps.</summary>
    public const string ChainLengthMismatch = "CHAIN_LENGTH_MISMATCH";

    /// <summary>The recomputed links do not give the seal's steps_root.</summary>
    public const string StepsRootMismatch = "STEPS_ROOT_MISMATCH";

    /// <summary>The seal's columns contradict one another, or one of them does not give the recorded root_hash.</summary>
    public const string SealMismatch = "SEAL_MISMATCH";

    /// <summary>The recomputed chain and the seal do not give the recorded root_hash.</summary>
    public const string RootHashMismatch = "ROOT_HASH_MISMATCH";

    /// <summary>A step's inclusion proof does not lead to the seal's steps_root.</summary>
    public const string InclusionMismatch = "INCLUSION_MISMATCH";

    /// <summary>The evidence is of another tenant or run than the one asked for.</summary>
    public const string IdentityMismatch = "IDENTITY_MISMATCH";

    /// <summary>A word that the format does not know.</summary>
    public const string ValueOutOfVocabulary = "VALUE_OUT_OF_VOCABULARY";

    /// <summary>A value that no record of the format can hold.</summary>
    public const string ValueOutOfRange = "VALUE_OUT_OF_RANGE";

    /// <summary>A value is missing that every record has.</summary>
    public const string ValueMissing = "VALUE_MISSING";

    /// <summary>Steps are there and the trace's header is not.</summary>
    public const string HeaderMissing = "HEADER_MISSING";

    /// <summary>The run's record says that it ended, and its trace has no seal.</summary>
    public const string SealMissing = "SEAL_MISSING";

    /// <summary>The run's record says that it succeeded, and its trace's seal that it did not.</summary>
    public const string RunRecordMismatch = "RUN_RECORD_MISMATCH";

    /// <summary>The run's record says that it succeeded, and it has no trace.</summary>
    public const string TraceMissing = "TRACE_MISSING";

    /// <summary>A bundle has not the form of proof-format.md section 5.</summary>
    public const string BundleMalformed = "BUNDLE_MALFORMED";

    /// <summary>A step file, statement, proof, checkpoint or fork proof has not its form.</summary>
    public const string FileMalformed = "FILE_MALFORMED";

    /// <summary>An envelope is signed by no key of the log that was given.</summary>
    public const string EnvelopeRefused = "ENVELOPE_REFUSED";

    /// <summary>A statement contradicts itself: its subject is another trace than its predicate's.</summary>
    public const string StatementMismatch = "STATEMENT_MISMATCH";

    /// <summary>The witnesses that cosigned the checkpoint are not those that the policy asks for.</summary>
    public const string QuorumNotMet = "QUORUM_NOT_MET";

    /// <summary>A fork's trace goes on from steps of another trace, which does not verify or has another link there.</summary>
    public const string ForkOriginDiffers = "FORK_ORIGIN_DIFFERS";

    /// <summary>Not a fault of this evidence: the trace that a fork goes on from is not there.</summary>
    public const string ForkOriginMissing = "FORK_ORIGIN_MISSING";

    /// <summary>The two checkpoints of a fork proof agree, or it does not show that they contradict each other.</summary>
    public const string NoFork = "NO_FORK";

    /// <summary>A bundle reveals a payload to which nothing in it is committed.</summary>
    public const string PayloadUnknown = "PAYLOAD_UNKNOWN";

    /// <summary>The log's entry is another trace's, or has not the entry's form.</summary>
    public const string LogEntryMismatch = "LOG_ENTRY_MISMATCH";

    /// <summary>The entry is not in the tree that the checkpoint commits to.</summary>
    public const string LogInclusionMismatch = "LOG_INCLUSION_MISMATCH";

    /// <summary>The trace is neither in its tenant's log nor on the way into it.</summary>
    public const string LogEntryMissing = "LOG_ENTRY_MISSING";

    /// <summary>The checkpoint is not signed by the log's key, or is another log's.</summary>
    public const string CheckpointRefused = "CHECKPOINT_REFUSED";

    /// <summary>A step says that it called a tool under another list of tools than the one that its trace pins.</summary>
    public const string ToolListMismatch = "TOOL_LIST_MISMATCH";

    /// <summary>The trace's context says that the run waits for its opening to be in the log, and its first step does not prove that it was.</summary>
    public const string OpeningNotProven = "OPENING_NOT_PROVEN";

    /// <summary>A step is bound to the seal of a sub-run's trace, which does not verify, is sealed otherwise, or names another parent.</summary>
    public const string SubRunDiffers = "SUB_RUN_DIFFERS";

    /// <summary>A step is bound to the seal of a sub-run's trace, which is not there.</summary>
    public const string SubRunMissing = "SUB_RUN_MISSING";

    /// <summary>Not a fault of the evidence: the tools of a server had changed since the run began, and the step was refused for it.</summary>
    public const string ToolsChanged = "TOOLS_CHANGED";

    /// <summary>A step names an approval that is not kept.</summary>
    public const string ApprovalMissing = "APPROVAL_MISSING";

    /// <summary>What is kept of an approval is not what a step says of it, or what people were shown.</summary>
    public const string ApprovalDiffers = "APPROVAL_DIFFERS";

    /// <summary>Not a fault of the evidence: the log was not checked, or only with a key that came with the bundle.</summary>
    public const string LogNotChecked = "LOG_NOT_CHECKED";

    /// <summary>Not a fault of the evidence: the trace is still open, so nothing has been promised about it yet.</summary>
    public const string TraceNotSealed = "TRACE_NOT_SEALED";

    /// <summary>Not a fault of the evidence: the run has no trace.</summary>
    public const string NoTrace = "NO_TRACE";

    /// <summary>Not a fault of the evidence: the reader withheld salts and texts, so the payloads could not be checked.</summary>
    public const string PayloadsNotRead = "PAYLOADS_NOT_READ";
}
