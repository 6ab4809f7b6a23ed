using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>The witnesses of a policy, asked before a checkpoint is published.</summary>
public interface ICheckpointWitnesses
{
    /// <summary>Asks them to cosign. Failures of witnesses are no exception: they count as cosignatures that did not come.</summary>
    /// <param name="tenant">The tenant whose log it is.</param>
    /// <param name="checkpoint">The committed checkpoint.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The checkpoint with the cosignatures behind it; null where it is to be withheld.</returns>
    Task<string?> CosignAsync(TenantId tenant, string checkpoint, CancellationToken cancellationToken);
}
