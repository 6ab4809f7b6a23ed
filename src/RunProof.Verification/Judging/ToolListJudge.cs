using System.Globalization;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>
/// Steps that called tools of MCP servers against the lists of tools that their trace's context pins. A step that was refused because the list had changed is told of and
/// fails nothing: it was not executed. One that was executed under another list than the pinned one fails the check: no runner of ours would have done that.
/// </summary>
internal sealed class ToolListJudge
{
    private const string Member = "mcp";

    // Recorded by a runner that did not call: the list had changed, had never been pinned, or the server was away.
    private static readonly string[] Refusals = ["tools_changed", "tools_not_pinned", "mcp_unavailable"];

    private readonly Dictionary<string, string>? _pins;
    private readonly bool _isPinned;
    private long _calls;
    private long _refused;
    private long _unknown;

    /// <summary>Reads what the trace pins.</summary>
    /// <param name="context">The context of the trace.</param>
    internal ToolListJudge(RecordedPayload context)
    {
        if (context.Commitment is null)
        {
            _pins = [];
            return;
        }

        if (!IsHeld(context))
            return;
        _pins = new Dictionary<string, string>(StringComparer.Ordinal);
        _isPinned = Read(context.Text!, pins =>
        {
            foreach (var server in pins.EnumerateObject())
                _pins[server.Name] = Word(server.Value, "digest") ?? "";
        });
    }

    internal void Judge(RecordedStep step, Place place, List<Judged> findings, FindingLog log)
    {
        // Most steps call no such tool, and are not parsed for it.
        if (step.Context.Text is not { } text || !text.Contains("\"mcp\":", StringComparison.Ordinal) || !IsHeld(step.Context))
            return;
        Read(text, called => Judge(step, called, place.At("context"), findings, log));
    }

    internal void Conclude(CheckList checks)
    {
        if (!_isPinned && _calls + _refused + _unknown == 0)
            return;
        if (_unknown > 0)
            checks.NotDone(EvidenceCheck.ToolLists, string.Create(CultureInfo.InvariantCulture, $"{_unknown} {Steps(_unknown)} of MCP tools: the trace's context, which pins their lists, is withheld or erased"));
        else
            checks.Pass(EvidenceCheck.ToolLists, string.Create(CultureInfo.InvariantCulture, $"{_calls} {Steps(_calls)} of MCP tools, each under the list that the header's context pins; {_refused} refused because it was another"));
    }

    private void Judge(RecordedStep step, JsonElement called, Place place, List<Judged> findings, FindingLog log)
    {
        if (Word(called, "server") is not { } server || Word(called, "digest") is not { } digest)
            return;
        if (_pins is null)
        {
            _unknown++;
            return;
        }

        var refused = step.Status is not "succeeded" && Refusals.Contains(step.OutcomeCode, StringComparer.Ordinal);
        var pinned = _pins.GetValueOrDefault(server);
        if (refused && step.OutcomeCode is "tools_changed" && Word(called, "pinned") is { } said && said != pinned)
            findings.Add(Wrong(place, $"says that the list of MCP server \"{Shown(server)}\" was pinned as {Shown(said)}, but the header's context pins {pinned ?? "none"}"));
        else if (!refused && pinned != digest)
            findings.Add(Wrong(place, $"says that the list of MCP server \"{Shown(server)}\" was {Shown(digest)}, but the header's context pins {pinned ?? "none"}"));
        else if (refused && step.OutcomeCode is "tools_changed")
            log.Note(place.Finding(FindingCodes.ToolsChanged, $"says that MCP server \"{Shown(server)}\" was not what the header's context pins (list {pinned}, found {Shown(digest)}): nothing was called"));
        if (refused)
            _refused++;
        else
            _calls++;
    }

    private static Judged Wrong(Place place, string said) => new(EvidenceCheck.ToolLists, place.Finding(FindingCodes.ToolListMismatch, said));

    private static bool IsHeld(RecordedPayload payload) => PayloadJudge.CommitmentOf(payload) is { } held && held.Span.SequenceEqual(payload.Commitment);

    private static bool Read(string context, Action<JsonElement> take)
    {
        try
        {
            using var document = JsonDocument.Parse(context, new JsonDocumentOptions { MaxDepth = Canonicalizer.MaxDepth + 2 });
            if (document.RootElement.ValueKind is not JsonValueKind.Object || !document.RootElement.TryGetProperty(Member, out var member) || member.ValueKind is not JsonValueKind.Object)
                return false;
            take(member);
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // No JSON, or an escaped lone surrogate: nothing that a runner of ours wrote.
            return false;
        }
    }

    private static string? Word(JsonElement value, string name) =>
        value.ValueKind is JsonValueKind.Object && value.TryGetProperty(name, out var word) && word.ValueKind is JsonValueKind.String ? word.GetString() : null;

    private static string Shown(string text) => text.Length <= 64 ? text : text[..64] + "…";

    private static string Steps(long count) => count == 1 ? "step" : "steps";
}
