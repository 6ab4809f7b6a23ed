using System.Text.Json;
using Npgsql;
using RunProof.Format;

namespace RunProof.Cli;

/// <summary>What validation looks at, and what it has seen so far. A criterion that cannot be looked at does not hold; validation goes on.</summary>
internal sealed class Scene
{
    private readonly List<Chapter> _chapters = [];
    private readonly List<Criterion> _criteria = [];
    private readonly List<NegativeCheck> _negativeChecks = [];
    private readonly List<string> _warnings = [];

    /// <summary>The runner.</summary>
    internal required ApiClient Runner { get; init; }

    /// <summary>The verifier.</summary>
    internal required ApiClient Verifier { get; init; }

    /// <summary>The database that the services are believed to use.</summary>
    internal required IEvidenceDatabase Database { get; init; }

    /// <summary>The verification that is put to the test.</summary>
    internal required IEvidenceJudge Judge { get; init; }

    /// <summary>The clock.</summary>
    internal required TimeProvider Clock { get; init; }

    /// <summary>Where the assemblies of this build lie.</summary>
    internal required string Assemblies { get; init; }

    /// <summary>The tenant that was named; null to take the one that the verifier names.</summary>
    internal TenantId? NamedTenant { get; init; }

    /// <summary>The tenant, once known.</summary>
    internal TenantId? Tenant { get; set; }

    /// <summary>The run of the stub planner, once created.</summary>
    internal RunView? Run { get; set; }

    /// <summary>The run of three given steps, once created.</summary>
    internal RunView? LongRun { get; set; }

    /// <summary>The verifier's proof of the run, once given.</summary>
    internal ProofView? Proof { get; set; }

    /// <summary>The evidence of the run, once read.</summary>
    internal Evidence? Evidence { get; set; }

    /// <summary>Begins a chapter.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="title">Its title.</param>
    internal Chapter Begin(int number, string title)
    {
        var chapter = new Chapter(number, title);
        _chapters.Add(chapter);
        return chapter;
    }

    /// <summary>A chapter that was begun before, to go on with it.</summary>
    /// <param name="number">Its number.</param>
    internal Chapter Continue(int number) => _chapters.Single(chapter => chapter.Number == number);

    /// <summary>Notes what is missing or was not done.</summary>
    internal void Warn(string warning) => _warnings.Add(warning);

    /// <summary>The warnings so far.</summary>
    internal IReadOnlyList<string> Warnings => _warnings;

    /// <summary>Notes what was said about changed copies.</summary>
    internal void Add(IEnumerable<NegativeCheck> checks) => _negativeChecks.AddRange(checks);

    /// <summary>Looks at something that must hold.</summary>
    /// <param name="text">What.</param>
    /// <param name="look">Looks; says whether it holds and what was observed.</param>
    internal async Task MustAsync(string text, Func<Task<(bool Holds, string Observed)>> look)
    {
        try
        {
            var (holds, observed) = await look();
            _criteria.Add(new Criterion(text, holds, observed));
        }
        catch (Exception problem) when (IsOfTheWorld(problem))
        {
            _criteria.Add(new Criterion(text, false, Explain(problem)));
        }
    }

    /// <summary>Decides something that was looked at already.</summary>
    internal void Must(string text, bool holds, string observed) => _criteria.Add(new Criterion(text, holds, observed));

    /// <summary>What was found.</summary>
    /// <param name="startedAt">When it began.</param>
    internal ValidationReport Report(DateTimeOffset startedAt) =>
        new(startedAt, Clock.GetUtcNow(), _chapters, _criteria, _negativeChecks, _warnings);

    // What evidence, services and databases can do to us; a mistake of this program's own is none of these and is not swallowed.
    private static bool IsOfTheWorld(Exception problem) =>
        problem is CommandException or NpgsqlException or NotSeenException or FormatException or JsonException or KeyNotFoundException or InvalidOperationException
            or IOException or TimeoutException or System.Net.Sockets.SocketException;

    private static string Explain(Exception problem) => problem switch
    {
        NotSeenException unseen => "not looked at: " + unseen.Message,
        PostgresException refused => $"error: {refused.SqlState} {refused.MessageText}",
        _ => "error: " + problem.Message.ReplaceLineEndings(" "),
    };
}

/// <summary>Something cannot be looked at, because what comes before it is missing.</summary>
/// <param name="message">What is missing.</param>
internal sealed class NotSeenException(string message) : Exception(message)
{
    /// <summary>What was seen, or a criterion that does not hold.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="seen">What may have been seen.</param>
    /// <param name="what">What it is called.</param>
    internal static T Need<T>(T? seen, string what)
        where T : class => seen ?? throw new NotSeenException($"there is no {what}");

    /// <inheritdoc cref="Need{T}(T?, string)"/>
    internal static T Need<T>(T? seen, string what)
        where T : struct => seen ?? throw new NotSeenException($"there is no {what}");
}
