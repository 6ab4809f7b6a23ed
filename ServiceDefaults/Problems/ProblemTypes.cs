namespace RunProof.ServiceDefaults;

/// <summary>The <c>type</c> of every problem that the APIs answer: stable, relative URIs. A client may branch on them.</summary>
public static class ProblemTypes
{
    /// <summary>400: the body, a query parameter or a header is malformed; <c>errors</c> names the places.</summary>
    public const string InvalidRequest = "/problems/invalid-request";

    /// <summary>400: the plan cannot be executed; <c>errors</c> names the places.</summary>
    public const string InvalidPlan = "/problems/invalid-plan";

    /// <summary>400: the document is no policy; <c>errors</c> names the lines and places.</summary>
    public const string InvalidPolicy = "/problems/invalid-policy";

    /// <summary>409: the version is there with another document; versions never change.</summary>
    public const string VersionTaken = "/problems/version-taken";

    /// <summary>409: a kill switch stops runs like it; <c>detail</c> says who set it and why.</summary>
    public const string Killed = "/problems/killed";

    /// <summary>409: a budget allows no more runs in its period.</summary>
    public const string BudgetExceeded = "/problems/budget-exceeded";

    /// <summary>409: there is a budget of this id for another scope, period, zone or agent.</summary>
    public const string BudgetOfOtherKind = "/problems/budget-of-other-kind";

    /// <summary>401: no API key, or one that is unknown or revoked.</summary>
    public const string Unauthorized = "/problems/unauthorized";

    /// <summary>403: the API key's scope does not allow this.</summary>
    public const string Forbidden = "/problems/forbidden";

    /// <summary>404: no such resource in the key's tenant, or no such route.</summary>
    public const string NotFound = "/problems/not-found";

    /// <summary>404: no such agent in the key's tenant.</summary>
    public const string UnknownAgent = "/problems/unknown-agent";

    /// <summary>405: the route has no such method.</summary>
    public const string MethodNotAllowed = "/problems/method-not-allowed";

    /// <summary>409: the run has ended, or is about to, and changes no more.</summary>
    public const string RunEnded = "/problems/run-ended";

    /// <summary>409: the run has not ended, so its trace is not sealed yet.</summary>
    public const string RunNotEnded = "/problems/run-not-ended";

    /// <summary>409: the run's plan held secrets that no store keeps; it cannot leave its process.</summary>
    public const string PlanNotKept = "/problems/plan-not-kept";

    /// <summary>409: the digest is not that of the action that would be executed.</summary>
    public const string ActionChanged = "/problems/action-changed";

    /// <summary>409: the approval was decided before, expired, or is needed no longer.</summary>
    public const string ApprovalEnded = "/problems/approval-ended";

    /// <summary>409: there is one of this id already.</summary>
    public const string Duplicate = "/problems/duplicate";

    /// <summary>409: the idempotency key was used with another request.</summary>
    public const string IdempotencyConflict = "/problems/idempotency-conflict";

    /// <summary>409: the evidence does not hold, so nothing is handed out as a proof of it; <c>findings</c> says where.</summary>
    public const string NotVerified = "/problems/not-verified";

    /// <summary>409: nothing is wrong, but there is nothing to prove yet: the trace is open, or its seal awaits inclusion in the log.</summary>
    public const string NotProvenYet = "/problems/not-proven-yet";

    /// <summary>409: the trace has more steps than a proof in this form can hold.</summary>
    public const string TraceTooLong = "/problems/trace-too-long";

    /// <summary>413: the body is larger than the service takes.</summary>
    public const string TooLarge = "/problems/too-large";

    /// <summary>415: the body is not <c>application/json</c>.</summary>
    public const string UnsupportedMediaType = "/problems/unsupported-media-type";

    /// <summary>429: too many event streams are open in this process, or of this tenant; another process may have room.</summary>
    public const string TooManyStreams = "/problems/too-many-streams";

    /// <summary>500: a fault of ours; nothing about it is told but the id under which it is logged.</summary>
    public const string Internal = "/problems/internal";

    /// <summary>503: the database cannot be reached or is overloaded; the same request may succeed later.</summary>
    public const string Unavailable = "/problems/unavailable";

    /// <summary>Any other refusal of the server itself, by its status.</summary>
    /// <param name="status">An HTTP status.</param>
    /// <returns>A type from this list where the status has one, else <c>/problems/http-STATUS</c>.</returns>
    public static string ForStatus(int status) => status switch
    {
        400 => InvalidRequest,
        401 => Unauthorized,
        403 => Forbidden,
        404 => NotFound,
        405 => MethodNotAllowed,
        413 => TooLarge,
        415 => UnsupportedMediaType,
        500 => Internal,
        503 => Unavailable,
        _ => FormattableString.Invariant($"/problems/http-{status}"),
    };
}
