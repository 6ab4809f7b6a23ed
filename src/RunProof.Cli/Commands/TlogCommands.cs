using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Tiles;

namespace RunProof.Cli;

/// <summary><c>log tlog</c>: plumbing for scripts, over files and standard input, in the formats of C2SP. No server is asked.</summary>
internal static class TlogCommands
{
    private static readonly Argument<string?> Proof = new("PROOF") { Arity = ArgumentArity.ZeroOrOne, Description = "The proof to verify: a hash a line, base64 or hex; - is standard input." };
    private static readonly Option<long?> Index = new("--index") { HelpName = "N", Description = "The entry's index, from 0." };
    private static readonly Option<long?> Size = new("--size") { HelpName = "N", Description = "Entries of the tree." };
    private static readonly Option<long?> From = new("--from") { HelpName = "N", Description = "Entries of the older tree." };
    private static readonly Option<string?> Root = new("--root") { HelpName = "HASH", Description = "Root of the tree, base64 or hex." };
    private static readonly Option<string?> FromRoot = new("--from-root") { HelpName = "HASH", Description = "Root of the older tree." };
    private static readonly Option<string?> Leaf = new("--leaf") { HelpName = "HASH", Description = "The entry's leaf hash." };
    private static readonly Option<string?> Entry = new("--entry") { HelpName = "FILE", Description = "The entry, its exact bytes, in place of --leaf." };

    private static readonly Option<string?> Tiles = new("--tiles")
    {
        HelpName = "DIR", Description = "Print the proof instead, from the log's tiles in a folder: DIR/tile/0/000, ….",
    };

    internal static Command Create(World world) => new("tlog", "Plumbing for scripts: C2SP proofs, checkpoints and tiles over files and standard input. Exit code 0 holds, 2 unreadable, 10 does not hold.")
    {
        new Command("inclusion", "Verify that an entry is in a tree (PROOF, with --index --size --root and --entry or --leaf), or print the proof (--tiles, with --index --size).") { Proof, Index, Size, Root, Entry, Leaf, Tiles }
            .Does(world, InclusionAsync),
        new Command("consistency", "Verify that a tree began as an older one (PROOF, with --from --from-root --size --root), or print the proof (--tiles, with --from --size).") { Proof, From, FromRoot, Size, Root, Tiles }
            .Does(world, ConsistencyAsync),
        TlogCheckpointCommand.Create(world),
        TlogTileCommand.Create(world),
    };

    private static async Task<Answer> InclusionAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var (index, size) = (ProofText.Number(Index, invocation), ProofText.Number(Size, invocation));
        if (index >= size)
            throw CommandException.Usage(string.Create(CultureInfo.InvariantCulture, $"--index {index} is not in a tree of {size} entries"));
        if (invocation.Get(Tiles) is { } folder)
            return Print(TreeRange.OfInclusion(index, size), folder, size, invocation);
        var root = ProofText.Hash(Root, invocation);
        var leaf = invocation.Get(Entry) is { } file ? MerkleTree.LeafHash(await InputFile.ReadAsync(file, invocation.World, cancellationToken)) : ProofText.Hash(Leaf, invocation);
        var path = await PathAsync(invocation, cancellationToken);
        return Judge(MerkleProofs.VerifyInclusion((ulong)index, (ulong)size, leaf, path, root), "the entry is in the tree at that index", "the path does not lead from the entry to the root");
    }

    private static async Task<Answer> ConsistencyAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var (from, size) = (ProofText.Number(From, invocation), ProofText.Number(Size, invocation));
        if (from > size)
            throw CommandException.Usage(string.Create(CultureInfo.InvariantCulture, $"--from {from} is beyond --size {size}"));
        if (invocation.Get(Tiles) is { } folder)
            return Print(TreeRange.OfConsistency(from, size), folder, size, invocation);
        var (older, newer) = (ProofText.Hash(FromRoot, invocation), ProofText.Hash(Root, invocation));
        var path = await PathAsync(invocation, cancellationToken);
        return Judge(MerkleProofs.VerifyConsistency((ulong)from, (ulong)size, path, older, newer), "the tree began as the older one", "the proof does not lead from the older root to the newer one");
    }

    private static Task<Digest[]> PathAsync(Invocation invocation, CancellationToken cancellationToken) => ProofText.PathAsync(
        invocation.Parse.GetValue(Proof) ?? throw CommandException.Usage("PROOF is missing", "a file of hashes, a line each, or - for standard input; or --tiles DIR to print the proof"), invocation.World, cancellationToken);

    private static Answer Print(IReadOnlyList<TreeRange> ranges, string folder, long size, Invocation invocation)
    {
        if (invocation.Parse.GetValue(Proof) is not null)
            throw CommandException.Usage("PROOF and --tiles: verify the one, or print from the other");
        var tiles = new TileFolder(folder, size);
        string[] hashes = [.. ranges.Select(range => ProofText.Of(tiles.HashOf(range)))];
        return new Answer(new JsonObject { ["proof"] = new JsonArray([.. hashes.Select(static hash => (JsonNode)hash)]), ["root"] = ProofText.Of(tiles.HashOf(new TreeRange(0, size))) }, page => Array.ForEach(hashes, page.Line));
    }

    private static Answer Judge(bool holds, string yes, string no) => new(
        new JsonObject { ["holds"] = holds, ["message"] = holds ? yes : no }, page => page.Line(holds ? Tone.Good : Tone.Bad, holds ? yes : no), holds ? ExitCode.Ok : ExitCode.Failed);
}

/// <summary><c>log tlog checkpoint</c>.</summary>
internal static class TlogCheckpointCommand
{
    private static readonly Argument<string> Note = new("FILE") { Description = "The signed note; - is standard input." };
    private static readonly Option<string[]> Keys = new("--key") { HelpName = "VKEY", Description = "The log's verifier key; again for each." };
    private static readonly Option<string?> TrustFile = new("--trust") { HelpName = "FILE", Description = "Verifier keys, a line each, or a tlog-policy." };

    internal static Command Create(World world) =>
        new Command("checkpoint", "Print a checkpoint's origin, size and root, a line each. With --key or --trust only if the signature is right (exit code 10 if not); without, nothing is verified.") { Note, Keys, TrustFile }
            .Does(world, RunAsync);

    private static async Task<Answer> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var trust = await Trust.ReadAsync(invocation.Get(Keys) ?? [], invocation.Get(TrustFile), invocation.World, cancellationToken);
        var bytes = await InputFile.ReadAsync(invocation.Get(Note), invocation.World, cancellationToken, SignedNote.MaxLength);
        if (!SignedNote.TryParse(bytes, out var note, out var problem) || !Checkpoint.TryParse(note.Text, out var checkpoint, out problem))
            throw CommandException.Usage("no checkpoint: " + problem);
        var refusal = trust.Source is null ? null : Refusal(note, trust);
        var json = new JsonObject
        {
            ["origin"] = checkpoint.Origin,
            ["size"] = checkpoint.Size,
            ["root"] = ProofText.Of(checkpoint.Root),
            ["signers"] = new JsonArray([.. note.Signatures.Select(static line => (JsonNode)string.Create(CultureInfo.InvariantCulture, $"{line.Name}+{line.KeyId:x8}"))]),
            ["verified"] = trust.Source is not null && refusal is null,
            ["problem"] = refusal,
        };
        return new Answer(json, page => Write(page, checkpoint, refusal), refusal is null ? ExitCode.Ok : ExitCode.Failed);
    }

    private static string? Refusal(SignedNote note, Trust trust)
    {
        try
        {
            if (!note.Verify(trust.Keys, out _, out var problem))
                return problem;
            return trust.Quorum is null || trust.Quorum.IsMet(note, out _, out problem) ? null : problem;
        }
        catch (PlatformNotSupportedException e)
        {
            throw new CommandException(ExitCode.Error, "unsupported", e.Message);
        }
    }

    private static void Write(Page page, Checkpoint checkpoint, string? refusal)
    {
        if (refusal is not null)
        {
            page.Line(Tone.Bad, refusal);
            return;
        }

        page.Line(checkpoint.Origin);
        page.Line(checkpoint.Size.ToString(CultureInfo.InvariantCulture));
        page.Line(ProofText.Of(checkpoint.Root));
    }
}

/// <summary><c>log tlog tile</c>.</summary>
internal static class TlogTileCommand
{
    private static readonly Argument<string?> Tile = new("PATH") { Arity = ArgumentArity.ZeroOrOne, Description = "A tile's path under the log's prefix: tile/0/x001/067.p/8, tile/entries/000." };
    private static readonly Argument<string?> Content = new("FILE") { Arity = ArgumentArity.ZeroOrOne, Description = "The tile's bytes; - is standard input." };
    private static readonly Option<long?> Index = new("--index") { HelpName = "N", Description = "Print instead the paths of the tiles that the inclusion proof of this entry takes." };
    private static readonly Option<long?> Size = new("--size") { HelpName = "N", Description = "Entries of the tree, with --index." };

    internal static Command Create(World world) =>
        new Command("tile", "Check a tile's path and bytes and print its hashes (of entries: their leaf hashes), a line each; or the paths of the tiles that a proof takes.") { Tile, Content, Index, Size }
            .Does(world, RunAsync);

    private static async Task<Answer> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        if (invocation.Parse.GetValue(Tile) is not { } path)
            return Needed(invocation);
        if (!TileAddress.TryParse(path, out var address))
            throw CommandException.Usage($"{path} is no path of a tile", "tile/<level>/<index> or tile/entries/<index>: index in groups of three digits, all but the last with x; .p/<width> where it is partial");
        if (invocation.Parse.GetValue(Content) is not { } file)
            return new Answer(ToJson(address), page => page.Fields(("kind", KindOf(address)), ("level", Text(address.Level)), ("index", Text(address.Index)), ("width", Text(address.Width))));
        var bytes = await InputFile.ReadAsync(file, invocation.World, cancellationToken, TileAddress.FullWidth * (EntryBundle.MaxEntryLength + 2));
        string[] hashes = [.. Read(address, bytes).Select(ProofText.Of)];
        var json = ToJson(address);
        json["hashes"] = new JsonArray([.. hashes.Select(static hash => (JsonNode)hash)]);
        return new Answer(json, page => Array.ForEach(hashes, page.Line));
    }

    private static Digest[] Read(TileAddress address, byte[] bytes)
    {
        if (address.Kind is TileKind.Entries)
            return EntryBundle.TryParse(bytes, address.Width, out var entries) ? [.. entries.Select(static entry => MerkleTree.LeafHash(entry.Span))] : throw Refused(address, bytes, "entries with their lengths");
        return HashTile.TryParse(bytes, address.Width, out var hashes) ? hashes : throw Refused(address, bytes, "hashes of 32 bytes");
    }

    private static Answer Needed(Invocation invocation)
    {
        var (index, size) = (ProofText.Number(Index, invocation), ProofText.Number(Size, invocation));
        if (index >= size)
            throw CommandException.Usage(string.Create(CultureInfo.InvariantCulture, $"--index {index} is not in a tree of {size} entries"));
        string[] paths = [.. TileFolder.Of(TreeRange.OfInclusion(index, size), size).Select(static tile => tile.Path)];
        return new Answer(new JsonObject { ["tiles"] = new JsonArray([.. paths.Select(static path => (JsonNode)path)]) }, page => Array.ForEach(paths, page.Line));
    }

    private static CommandException Refused(TileAddress address, byte[] bytes, string what) => new(
        ExitCode.Failed, "tile_malformed", string.Create(CultureInfo.InvariantCulture, $"{address.Path}: {bytes.Length} bytes are not {address.Width} {what}, and nothing else"));

    private static JsonObject ToJson(TileAddress address) => new() { ["path"] = address.Path, ["kind"] = KindOf(address), ["level"] = address.Level, ["index"] = address.Index, ["width"] = address.Width };

    private static string KindOf(TileAddress address) => address.Kind is TileKind.Entries ? "entries" : "hashes";

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
