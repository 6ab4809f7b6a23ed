using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using RunProof.Format;
using RunProof.Keys;

namespace RunProof.Witness;

/// <summary>A log that a policy trusts.</summary>
/// <param name="Verifier">Its key.</param>
/// <param name="Url">Where it is served; null where the policy does not say.</param>
public sealed record PolicyLog(INoteVerifier Verifier, Uri? Url);

/// <summary>A witness that a policy names.</summary>
/// <param name="Name">Its name in the policy.</param>
/// <param name="Verifier">Its key.</param>
/// <param name="Url">Where it takes checkpoints; null where the policy does not say.</param>
public sealed record PolicyWitness(string Name, INoteVerifier Verifier, Uri? Url);

/// <summary>Which logs are trusted, and which witnesses must have seen a checkpoint (C2SP tlog-policy).</summary>
public sealed class WitnessPolicy
{
    /// <summary>Bytes that a policy may have.</summary>
    public const int MaxLength = 1 << 20;

    /// <summary>The quorum that needs no witness; no witness or group may have the name.</summary>
    private const string None = "none";

    private readonly IReadOnlyList<Group> _groups;
    private readonly string _quorum;

    internal WitnessPolicy(IReadOnlyList<PolicyLog> logs, IReadOnlyList<PolicyWitness> witnesses, IReadOnlyList<Group> groups, string quorum) =>
        (Logs, Witnesses, _groups, _quorum) = (logs, witnesses, groups, quorum);

    /// <summary>The logs, in the policy's order.</summary>
    public IReadOnlyList<PolicyLog> Logs { get; }

    /// <summary>The witnesses, in the policy's order; whether one is needed the quorum says.</summary>
    public IReadOnlyList<PolicyWitness> Witnesses { get; }

    /// <summary>Whether any cosignature is needed.</summary>
    public bool NeedsWitnesses => _quorum != None;

    /// <summary>Reads a policy file.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="policy">The policy, where it is one.</param>
    /// <param name="problem">What is wrong and in which line, where it is none.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out WitnessPolicy? policy, out string problem) =>
        new PolicyParser().TryParse(bytes, out policy, out problem);

    /// <summary>Whether the witnesses that cosigned are a quorum.</summary>
    /// <param name="cosigners">Names of witnesses of the policy.</param>
    /// <returns>Whether they are.</returns>
    public bool IsQuorum(IReadOnlySet<string> cosigners)
    {
        ArgumentNullException.ThrowIfNull(cosigners);
        // Definitions precede use, so one pass in their order knows of each member whether it agrees: groups within groups cost no stack, however deep.
        var agreed = Witnesses.Select(static witness => witness.Name).Where(cosigners.Contains).ToHashSet(StringComparer.Ordinal);
        foreach (var group in _groups)
        {
            if (group.Members.Count(agreed.Contains) >= group.Threshold)
                agreed.Add(group.Name);
        }

        return _quorum == None || agreed.Contains(_quorum);
    }

    /// <summary>Verifies a checkpoint: a log of the policy signed it, no known signature is false, and the quorum is met.</summary>
    /// <param name="note">The note.</param>
    /// <param name="cosigners">The witnesses that cosigned, by name.</param>
    /// <param name="problem">Why it must not be used, where it must not.</param>
    /// <returns>Whether it may.</returns>
    public bool Verify(SignedNote note, out IReadOnlyList<string> cosigners, out string problem)
    {
        ArgumentNullException.ThrowIfNull(note);
        cosigners = [];
        if (!note.Verify([.. Logs.Select(static log => log.Verifier)], out _, out problem))
            return false;
        if (!note.TryFindSigners([.. Witnesses.Select(static witness => witness.Verifier)], out var signers, out problem))
            return false;
        cosigners = [.. Witnesses.Where(witness => signers.Contains(witness.Verifier.Key)).Select(static witness => witness.Name)];
        if (IsQuorum(cosigners.ToHashSet(StringComparer.Ordinal)))
            return true;
        problem = $"the witnesses that cosigned ({(cosigners.Count == 0 ? "none" : string.Join(", ", cosigners))}) are no quorum of the policy";
        return false;
    }

    /// <summary>Members of which so many must agree. Definitions precede use, so groups cannot form a circle.</summary>
    internal sealed record Group(string Name, int Threshold, IReadOnlyList<string> Members);
}

/// <summary>Reads a policy file line by line; every rule of tlog-policy is refused with the line's number.</summary>
internal sealed class PolicyParser
{
    private readonly List<PolicyLog> _logs = [];
    private readonly List<PolicyWitness> _witnesses = [];
    private readonly List<WitnessPolicy.Group> _groups = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly HashSet<string> _members = new(StringComparer.Ordinal);
    private readonly HashSet<string> _keys = new(StringComparer.Ordinal);
    private string? _quorum;

    internal bool TryParse(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out WitnessPolicy? policy, out string problem)
    {
        policy = null;
        problem = $"a policy has at most {WitnessPolicy.MaxLength} bytes, and none of them is a control but tab and line feed";
        if (bytes.Length > WitnessPolicy.MaxLength || bytes.ContainsAnyInRange<byte>(0, 8) || bytes.ContainsAnyInRange<byte>(11, 31) || bytes.Contains((byte)0x7f))
            return false;
        var number = 0;
        foreach (var line in System.Text.Encoding.Latin1.GetString(bytes).Split('\n'))
        {
            number++;
            var words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 0 && words[0][0] != '#' && Take(words) is { } fault)
            {
                problem = string.Create(CultureInfo.InvariantCulture, $"line {number}: {fault}");
                return false;
            }
        }

        problem = "the policy has no quorum line";
        if (_quorum is null)
            return false;
        (policy, problem) = (new WitnessPolicy(_logs, _witnesses, _groups, _quorum), "");
        return true;
    }

    private string? Take(string[] words) => words[0] switch
    {
        "log" when words.Length is 2 or 3 => Log(words[1], words.ElementAtOrDefault(2)),
        "witness" when words.Length is 3 or 4 => Witness(words[1], words[2], words.ElementAtOrDefault(3)),
        "group" when words.Length >= 4 => Group(words[1], words[2], words[3..]),
        "quorum" when words.Length == 2 => Quorum(words[1]),
        "log" or "witness" or "group" or "quorum" => $"a {words[0]} line has another number of words",
        _ => $"\"{words[0]}\" is none of log, witness, group, quorum",
    };

    private string? Log(string key, string? url)
    {
        if (Key(key, [NoteAlgorithm.Ed25519, NoteAlgorithm.Ecdsa], out var verifier) is { } fault)
            return fault;
        if (!TryUrl(url, out var place))
            return $"\"{url}\" is no URL";
        _logs.Add(new PolicyLog(verifier!, place));
        return null;
    }

    private string? Witness(string name, string key, string? url)
    {
        if (Name(name) is { } taken)
            return taken;
        if (Key(key, [NoteAlgorithm.CosignatureV1], out var verifier) is { } fault)
            return fault;
        if (!TryUrl(url, out var place))
            return $"\"{url}\" is no URL";
        _witnesses.Add(new PolicyWitness(name, verifier!, place));
        _names.Add(name);
        return null;
    }

    private string? Group(string name, string threshold, string[] members)
    {
        if (Name(name) is { } taken)
            return taken;
        foreach (var member in members)
        {
            if (!IsDefined(member))
                return $"\"{member}\" is not defined before this line";
            if (!_members.Add(member))
                return $"\"{member}\" is a member already, and a name is a member once";
        }

        var needed = threshold switch
        {
            "any" => 1,
            "all" => members.Length,
            _ => Checked(threshold),
        };
        if (needed < 1 || needed > members.Length)
            return $"\"{threshold}\" of {members.Length} members is no threshold: any, all, or 1 to {members.Length}";
        _groups.Add(new WitnessPolicy.Group(name, needed, members));
        _names.Add(name);
        return null;
    }

    private string? Quorum(string name)
    {
        if (_quorum is not null)
            return "there is a quorum line already";
        if (name != "none" && !IsDefined(name))
            return $"\"{name}\" is not defined before this line";
        _quorum = name;
        return null;
    }

    private string? Name(string name)
    {
        if (name == "none")
            return "\"none\" is no name";
        return IsDefined(name) ? $"\"{name}\" is defined already" : null;
    }

    /// <summary>One public key twice is refused under any name: it would count twice.</summary>
    private string? Key(string line, NoteAlgorithm[] usable, out INoteVerifier? verifier)
    {
        verifier = null;
        if (!NoteKey.TryParse(line, out var key, out var problem))
            return problem;
        if (!usable.Contains(key.Algorithm))
            return $"a key of {key.Algorithm} is not for this";
        if (!NoteVerifier.TryCreate(key, out verifier, out problem))
            return problem;
        return _keys.Add(Convert.ToHexStringLower(key.PublicKey.Span)) ? null : "this public key stands in an earlier line";
    }

    private bool IsDefined(string name) => _names.Contains(name);

    private static int Checked(string threshold) =>
        int.TryParse(threshold, NumberStyles.None, CultureInfo.InvariantCulture, out var needed) && !threshold.StartsWith('0') ? needed : 0;

    private static bool TryUrl(string? text, out Uri? url)
    {
        url = null;
        return text is null || (Uri.TryCreate(text, UriKind.Absolute, out url) && url.Scheme is "http" or "https");
    }
}
