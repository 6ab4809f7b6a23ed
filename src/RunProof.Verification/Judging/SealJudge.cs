using System.Globalization;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>The seal of a trace: its own columns, number and tree of the steps, and the root hash over it all.</summary>
internal sealed class SealJudge(RecordedTrace trace, ChainJudge chain, FindingLog log, CheckList checks, int count, Digest? stepsRoot)
{
    /// <summary>root_hash as recomputed; null where it cannot be.</summary>
    internal Digest? Recomputed { get; private set; }

    internal void Judge(PayloadJudge payloads, StepProofs? proofs)
    {
        List<Judged> findings = [];
        var seal = SealColumns.Rebuild(trace, findings);
        var root = trace.RootHash is { Length: Digest.Length } bytes ? new Digest(bytes) : (Digest?)null;
        chain.Finish(candidate => seal is not null && root is not null && chain.Root(candidate, seal) == root);
        log.Add(findings);
        var changed = ChangedColumn(seal, root);
        JudgeLength(changed);
        JudgeStepsRoot(changed);
        JudgeRoot(seal, root, changed);
        JudgeInclusion(proofs);
        findings.Clear();
        payloads.Judge(trace.Metadata, Place.Seal, PayloadColumns.Metadata, findings);
        log.Add(findings);
        checks.Pass(EvidenceCheck.Seal, string.Create(CultureInfo.InvariantCulture, $"{trace.Status}, chain_length is the number of steps, {count}"));
    }

    /// <summary>The one column of the seal under whose former value the recorded root_hash holds, if there is one.</summary>
    private Suspect? ChangedColumn(TraceSeal? seal, Digest? root)
    {
        if (seal is null || root is not { } target || Holds(seal, target))
            return null;
        return Suspects.InSeal(seal, trace, count, stepsRoot, guess => Holds(guess, target));
    }

    private bool Holds(TraceSeal seal, Digest root) =>
        (chain.Recomputed is { } recomputed && chain.Root(recomputed, seal) == root) || (chain.Recorded is { } recorded && chain.Root(recorded, seal) == root);

    private void JudgeLength(Suspect? changed)
    {
        if (trace.ChainLength is not { } length || length == count)
            return;
        if (length < count && length >= 0 && changed?.Column != "chain_length")
            log.Add(EvidenceCheck.StepSequence, Place.Step(length).Finding(FindingCodes.StepAfterSeal, string.Create(CultureInfo.InvariantCulture, $"is there, but the seal counts {length} steps")));
        log.Add(EvidenceCheck.Seal, Place.Seal.At("chain_length").Finding(FindingCodes.ChainLengthMismatch, string.Create(CultureInfo.InvariantCulture, $"is {length}, but {count} steps are recorded")));
    }

    private void JudgeStepsRoot(Suspect? changed)
    {
        if (stepsRoot is not { } recomputed)
            checks.Fail(EvidenceCheck.StepsRoot, "not every link could be recomputed");
        else if (trace.StepsRoot is not { Length: Digest.Length } recorded)
            checks.Fail(EvidenceCheck.StepsRoot, "steps_root is missing or has not 32 bytes");
        else if (!recomputed.Span.SequenceEqual(recorded))
            log.Add(EvidenceCheck.StepsRoot, Place.Seal.At("steps_root").Finding(FindingCodes.StepsRootMismatch, changed?.Column == "steps_root" ? $"was changed; root_hash holds with {recomputed}" : $"does not match the steps, which give {recomputed}"));
        else
            checks.Pass(EvidenceCheck.StepsRoot, string.Create(CultureInfo.InvariantCulture, $"the tree over {count} recomputed links has the recorded root"));
    }

    private void JudgeRoot(TraceSeal? seal, Digest? root, Suspect? changed)
    {
        Recomputed = seal is not null && chain.Recomputed is { } last ? chain.Root(last, seal) : null;
        if (root is null)
        {
            log.Add(EvidenceCheck.RootHash, Place.RootHash.Finding(FindingCodes.RootHashMismatch, trace.RootHash is null ? "is missing" : "has not 32 bytes"));
        }
        else if (Recomputed == root)
        {
            checks.Pass(EvidenceCheck.RootHash, $"header, {count.ToString(CultureInfo.InvariantCulture)} steps and seal give the recorded root_hash {root}");
        }
        else if (changed is { Column: not ("chain_length" or "steps_root") } column)
        {
            log.Add(EvidenceCheck.Seal, Place.Seal.At(column.Column).Finding(FindingCodes.SealMismatch, $"does not match root_hash, which holds with {column.Holds}"));
            checks.Fail(EvidenceCheck.RootHash, $"seal: {column.Column} does not match root_hash");
        }
        else
        {
            var said = Recomputed is { } other ? $"does not match the chain and the seal, which give {other}" : "does not match: chain or seal could not be recomputed";
            log.Add(EvidenceCheck.RootHash, Place.RootHash.Finding(FindingCodes.RootHashMismatch, said));
        }
    }

    private void JudgeInclusion(StepProofs? proofs)
    {
        if (proofs is null)
            return;
        if (chain.Recomputed is null || trace.StepsRoot is not { Length: Digest.Length } recorded)
        {
            checks.Fail(EvidenceCheck.StepInclusion, "links or steps_root are not whole");
            return;
        }

        var root = new Digest(recorded);
        for (var step = 0; step < proofs.Count; step++)
        {
            if (StepProofs.RootFrom(proofs.LeafOf(step), step, proofs.Count, proofs.PathOf(step)) == root)
                continue;
            log.Add(EvidenceCheck.StepInclusion, Place.Step(step).Finding(FindingCodes.InclusionMismatch, "its inclusion proof does not lead to steps_root; no other step was tried"));
            return;
        }

        checks.Pass(EvidenceCheck.StepInclusion, string.Create(CultureInfo.InvariantCulture, $"{proofs.Count} inclusion proofs lead to the recorded steps_root"));
    }
}
