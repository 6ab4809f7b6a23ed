using System.Buffers;
using System.Globalization;
using System.Text;
using RunProof.Format;

namespace RunProof.Policies;

/// <summary>Reads policy documents, YAML or JSON, and finds everything that is wrong with them, each with its line and place.</summary>
public static class PolicyReader
{
    /// <summary>The longest document that is read: 256 KiB.</summary>
    public const int MaxBytes = 256 * 1024;

    /// <summary>The most rules that a policy may have.</summary>
    public const int MaxRules = 200;

    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789._-");
    private static readonly SearchValues<char> VersionCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-");

    /// <summary>Whether a text can be a policy's name.</summary>
    /// <param name="text">The text.</param>
    public static bool IsName(ReadOnlySpan<char> text) => text.Length is >= 1 and <= 64 && !text.ContainsAnyExcept(NameCharacters);

    /// <summary>The JSON Schema of documents.</summary>
    /// <returns>Its text.</returns>
    public static string Schema()
    {
        using var reader = new StreamReader(typeof(PolicyReader).Assembly.GetManifestResourceStream("policy.schema.json")!, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    /// <summary>Reads a document's bytes.</summary>
    /// <param name="document">UTF-8, with or without a byte order mark.</param>
    /// <returns>The policy, or all that is wrong.</returns>
    public static PolicyReading Read(ReadOnlySpan<byte> document)
    {
        if (document.Length > MaxBytes)
            return Refused(new PolicyError(1, 1, "", string.Create(CultureInfo.InvariantCulture, $"the document has {document.Length} bytes, at most {MaxBytes} are read")));
        if (document.StartsWith("\uFEFF"u8))
            document = document[3..];
        return System.Text.Unicode.Utf8.IsValid(document) ? Read(Encoding.UTF8.GetString(document)) : Refused(new PolicyError(1, 1, "", "the document is not UTF-8 text"));
    }

    /// <summary>Reads a document.</summary>
    /// <param name="document">YAML 1.2 (core schema) or JSON.</param>
    /// <returns>The policy, or all that is wrong.</returns>
    public static PolicyReading Read(string document)
    {
        ArgumentNullException.ThrowIfNull(document);
        if (Encoding.UTF8.GetByteCount(document) > MaxBytes)
            return Refused(new PolicyError(1, 1, "", string.Create(CultureInfo.InvariantCulture, $"the document is longer than {MaxBytes} bytes")));
        try
        {
            var root = Parse(document);
            var nodes = new NodeReader();
            var policy = Read(root, nodes);
            return nodes.Errors.Count == 0 ? new PolicyReading(policy, []) : new PolicyReading(null, nodes.InOrder());
        }
        catch (UnreadableDocumentException fault)
        {
            return Refused(fault.ToError());
        }
        catch (JsonNodes.DuplicateNameException fault)
        {
            return Refused(fault.ToError());
        }
    }

    // What begins like JSON may be YAML's flow style all the same.
    internal static PolicyNode Parse(string document)
    {
        if (!document.AsSpan().TrimStart().StartsWith("{"))
            return YamlNodes.Read(document);
        try
        {
            return JsonNodes.Read(document);
        }
        catch (UnreadableDocumentException asJson)
        {
            try
            {
                return YamlNodes.Read(document);
            }
            catch (UnreadableDocumentException)
            {
                throw asJson;
            }
        }
    }

    private static PolicyReading Refused(PolicyError error) => new(null, [error]);

    private static PolicyDocument? Read(PolicyNode root, NodeReader nodes)
    {
        if (!nodes.IsMap(root, ""))
            return null;
        nodes.RefuseOthers(root, "", "policy", "version", "description", "rules", "default");
        var name = Name(root, nodes);
        var version = nodes.RequiredText(root, "", "version", 64);
        if (version is not null && version.AsSpan().ContainsAnyExcept(VersionCharacters))
            nodes.Fail(root["version"]!, "version", "must be of A-Z a-z 0-9 . _ + -");
        var description = nodes.Text(root, "", "description", 2_000);
        var isDeny = nodes.RequiredWord(root, "", "default", "allow", "deny") == 1;
        var rules = Rules(root, nodes);
        var canonical = Canonical(root, nodes);
        return nodes.Errors.Count == 0 ? new PolicyDocument(name!, version!, description, rules, isDeny, canonical!) : null;
    }

    private static string? Name(PolicyNode root, NodeReader nodes)
    {
        var name = nodes.RequiredText(root, "", "policy", 64);
        if (name is not null && !IsName(name))
            nodes.Fail(root["policy"]!, "policy", "must be 1 to 64 of a-z 0-9 . _ -");
        return name;
    }

    private static CanonicalJson? Canonical(PolicyNode root, NodeReader nodes)
    {
        try
        {
            return CanonicalDocument.Of(root);
        }
        catch (CanonicalFormatException fault)
        {
            nodes.Fail(root, "", $"cannot be kept exactly: {fault.Message}; write the number in quotes");
            return null;
        }
    }

    private static List<PolicyRule> Rules(PolicyNode root, NodeReader nodes)
    {
        var rules = new List<PolicyRule>();
        if (root["rules"] is not { } list)
        {
            nodes.Fail(root, "rules", "is missing: a list, empty where the default says all");
            return rules;
        }

        if (!nodes.IsList(list, "rules", MaxRules))
            return rules;
        var ids = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < list.Items.Count; i++)
        {
            var place = NodeReader.At("rules", i);
            if (nodes.IsMap(list.Items[i], place) && RuleReader.Read(list.Items[i], place, nodes) is { } rule)
            {
                if (!ids.Add(rule.Id))
                    nodes.Fail(list.Items[i]["id"]!, place + ".id", $"\"{rule.Id}\" is the id of an earlier rule");
                rules.Add(rule);
            }
        }

        return rules;
    }
}
