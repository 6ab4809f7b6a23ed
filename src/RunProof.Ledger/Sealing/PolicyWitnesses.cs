using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;
using RunProof.Format;
using RunProof.Witness;

namespace RunProof.Ledger;

/// <summary>
/// Asks the witnesses of a policy over HTTP (C2SP tlog-witness, <c>add-checkpoint</c>), all at once: each is sent the checkpoint with the proof that it continues
/// what that witness saw last. Only a cosignature that verifies under the witness's key counts.
/// </summary>
/// <param name="policy">Whom to ask, and how many must answer. A witness without a URL cannot be asked.</param>
/// <param name="reader">The logs, for consistency proofs.</param>
/// <param name="http">Sends the requests; it should follow no redirect and bound what it reads.</param>
/// <param name="options">How long to wait, and what happens without a quorum.</param>
/// <param name="clock">Measures the wait.</param>
/// <param name="logger">Is told who did not cosign and why.</param>
public sealed partial class PolicyWitnesses(
    WitnessPolicy policy, ILogReader reader, HttpClient http, LogOptions options, TimeProvider clock, ILogger<PolicyWitnesses> logger) : ICheckpointWitnesses
{
    /// <summary>The first answer may name another size, and the second too where another sealer of the same log asks at the same moment.</summary>
    private const int Attempts = 3;

    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(100);

    /// <summary>What each witness saw last of each log, as far as is known here; wrong or missing costs one more request.</summary>
    private readonly ConcurrentDictionary<(string Witness, string Origin), long> _seen = new();

    /// <inheritdoc/>
    public async Task<string?> CosignAsync(TenantId tenant, string checkpoint, CancellationToken cancellationToken)
    {
        if (!SignedNote.TryParse(Encoding.UTF8.GetBytes(checkpoint), out var note, out var problem) || !Checkpoint.TryParse(note.Text, out var head, out problem))
            throw new LogHaltedException($"the checkpoint of the log of tenant {tenant} is none: {problem}");
        using var limit = new CancellationTokenSource(options.WitnessTimeout, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var asked = policy.Witnesses.Where(static witness => witness.Url is not null).ToList();
        var asking = asked.Select(witness => AskOrTellAsync(witness, tenant, note, head, both.Token, cancellationToken)).ToList();
        await EnoughAsync(asked, asking).ConfigureAwait(false);
        // Who is slow is not waited for once the others are enough, but for a moment in which what is under way still counts.
        limit.CancelAfter(Grace < options.WitnessTimeout ? Grace : options.WitnessTimeout);
        var lines = await Task.WhenAll(asking).ConfigureAwait(false);
        var cosigners = Cosigners(asked, asking);
        var cosigned = checkpoint + string.Concat(lines);
        if (policy.IsQuorum(cosigners))
            return cosigned;
        LogNoQuorum(logger, head.Origin, head.Size, cosigners.Count, asked.Count, options.OnMissingQuorum);
        return options.OnMissingQuorum is MissingQuorum.Mark ? cosigned : null;
    }

    /// <summary>Until those that have cosigned are a quorum, or all have answered or run out of time.</summary>
    private async Task EnoughAsync(List<PolicyWitness> asked, List<Task<string?>> asking)
    {
        var open = new List<Task<string?>>(asking);
        while (open.Count > 0 && !policy.IsQuorum(Cosigners(asked, asking)))
            open.Remove(await Task.WhenAny(open).ConfigureAwait(false));
    }

    private static HashSet<string> Cosigners(List<PolicyWitness> asked, List<Task<string?>> asking) =>
        asked.Zip(asking).Where(static each => each.Second is { IsCompletedSuccessfully: true, Result: not null }).Select(static each => each.First.Name).ToHashSet(StringComparer.Ordinal);

    /// <summary>Whatever a witness does, it costs its own cosignature and nothing else.</summary>
    private async Task<string?> AskOrTellAsync(PolicyWitness witness, TenantId tenant, SignedNote note, Checkpoint head, CancellationToken token, CancellationToken stop)
    {
        try
        {
            return await AskAsync(witness, tenant, note, head, token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !stop.IsCancellationRequested))
        {
            LogNotCosigned(logger, witness.Name, head.Origin, head.Size, e is OperationCanceledException ? "it did not answer in time" : e.Message);
            return null;
        }
    }

    private async Task<string?> AskAsync(PolicyWitness witness, TenantId tenant, SignedNote note, Checkpoint head, CancellationToken cancellationToken)
    {
        var (key, why) = ((witness.Name, head.Origin), "it names another size each time");
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            // A log that was put back to an older copy under a running service is smaller than what was seen of it. There is no proof of that: the witness is asked as by a stranger, and says so.
            var old = _seen.GetValueOrDefault(key) is var seenHere && seenHere <= head.Size ? seenHere : 0;
            var proof = await TileProofs.ConsistencyAsync(reader, tenant, old, head.Size, cancellationToken).ConfigureAwait(false);
            using var body = new StringContent(new AddCheckpointRequest(old, proof, note).ToString(), Encoding.UTF8, "text/plain");
            using var answer = await http.PostAsync(new Uri(witness.Url!.AbsoluteUri.TrimEnd('/') + "/add-checkpoint"), body, cancellationToken).ConfigureAwait(false);
            var text = await answer.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
            if (answer.StatusCode is HttpStatusCode.OK)
            {
                if (CosignatureOf(witness, note, text) is { } line)
                {
                    _seen[key] = head.Size;
                    return line;
                }

                why = "its answer holds no cosignature by its key";
                break;
            }

            if (answer.StatusCode is not HttpStatusCode.Conflict || !long.TryParse(text.TrimEnd('\n'), NumberStyles.None, CultureInfo.InvariantCulture, out var seen))
            {
                why = string.Create(CultureInfo.InvariantCulture, $"it answered {(int)answer.StatusCode}");
                break;
            }

            if (seen > head.Size)
            {
                // Another sealer's newer checkpoint, or a log that was restored from a copy and is about to show a second history.
                why = string.Create(CultureInfo.InvariantCulture, $"it has seen this log at {seen} entries: if no other sealer is ahead, the log was rolled back");
                break;
            }

            _seen[key] = seen;
        }

        LogNotCosigned(logger, witness.Name, head.Origin, head.Size, why);
        return null;
    }

    private static string? CosignatureOf(PolicyWitness witness, SignedNote note, string answer)
    {
        if (answer.Length == 0 || !SignedNote.TryParse(Encoding.UTF8.GetBytes(note.Text + "\n" + answer), out var signed, out _) || !signed.Verify([witness.Verifier], out _, out _))
            return null;
        var line = signed.Signatures.First(each => each.KeyId == witness.Verifier.Key.Id && each.Name == witness.Verifier.Key.Name);
        return line.ToString();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "witness {Witness} did not cosign {Origin} at {Size} entries: {Why}")]
    private static partial void LogNotCosigned(ILogger logger, string witness, string origin, long size, string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the quorum for {Origin} at {Size} entries is not met: {Cosigned} of {Asked} witnesses cosigned ({Then})")]
    private static partial void LogNoQuorum(ILogger logger, string origin, long size, int cosigned, int asked, MissingQuorum then);
}
