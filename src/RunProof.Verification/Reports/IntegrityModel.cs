namespace RunProof.Verification;

/// <summary>Which structure is verified. Both do every check of the chain.</summary>
public enum IntegrityModel
{
    /// <summary>Header, steps and seal by their links.</summary>
    HashChain,

    /// <summary>The same, and for each step an inclusion proof of its link in steps_root: one step can then be shown without the others.</summary>
    MerkleTree,
}

/// <summary>Wire names of the integrity models.</summary>
public static class IntegrityModels
{
    /// <summary>The wire name: <c>HASH_CHAIN</c> or <c>MERKLE_TREE</c>.</summary>
    /// <param name="model">The model.</param>
    public static string Name(IntegrityModel model) => model is IntegrityModel.MerkleTree ? "MERKLE_TREE" : "HASH_CHAIN";

    /// <summary>Reads a wire name; any other word is refused.</summary>
    /// <param name="name">The word.</param>
    /// <param name="model">The model.</param>
    public static bool TryParse(string? name, out IntegrityModel model)
    {
        model = name is "MERKLE_TREE" ? IntegrityModel.MerkleTree : IntegrityModel.HashChain;
        return name is "MERKLE_TREE" or "HASH_CHAIN";
    }
}
