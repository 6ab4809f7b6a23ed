namespace RunProof.Ledger;

/// <summary>What a <see cref="Redactor"/> removes. The defaults are complete; extend them with <c>with</c>.</summary>
/// <example><c>new Redactor(RedactionRules.Default with { FieldNames = [.. RedactionRules.Default.FieldNames, "badge_number"] })</c></example>
public sealed record RedactionRules
{
    /// <summary>The rules that hold where no one says otherwise.</summary>
    public static RedactionRules Default { get; } = new();

    /// <summary>
    /// Members whose value is replaced whole, whatever its JSON type (null says nothing and stays). Compared without case, <c>-</c> and <c>_</c>:
    /// <c>api_key</c> also means <c>API-Key</c> and <c>apiKey</c>. They also name secrets in query strings and forms. Default: about eighty.
    /// </summary>
    public IReadOnlyList<string> FieldNames { get; init; } =
    [
        "password", "passwd", "pwd", "passphrase", "secret", "client_secret", "secret_key", "secret_access_key", "aws_secret_access_key",
        "signing_key", "encryption_key", "api_key", "x_api_key", "api_token", "x_api_token", "api_secret", "app_secret", "access_key", "token",
        "access_token", "refresh_token", "id_token", "auth_token", "x_auth_token", "session_token", "aws_session_token", "x_amz_security_token",
        "csrf_token", "xsrf_token", "x_csrf_token", "x_xsrf_token", "bearer", "bearer_token", "authorization", "proxy_authorization",
        "x_authorization", "authentication", "x_access_token", "x_forwarded_access_token", "x_session_token", "x_session_id", "x_auth_key", "x_secret_key",
        "x_client_secret", "x_goog_api_key", "x_functions_key", "x_vault_token", "x_github_token", "x_gitlab_token", "private_token", "job_token",
        "subscription_key", "ocp_apim_subscription_key", "private_key", "ssh_key", "ssh_private_key", "credential", "credentials", "cred", "creds", "connection_string",
        "cookie", "cookies", "set_cookie", "session", "session_id", "sessionid", "phpsessid", "jsessionid", "ssn", "social_security",
        "social_security_number", "credit_card", "credit_card_number", "card_number", "cvv", "cvv2", "cvc", "cvc2", "otp", "totp_secret",
    ];

    /// <summary>Names of secrets in query strings and forms only, beside <see cref="FieldNames"/>. Default: signatures and their like.</summary>
    public IReadOnlyList<string> QueryNames { get; init; } =
        ["signature", "sig", "x_amz_signature", "x_amz_credential", "x_goog_signature", "x_goog_credential", "key", "auth", "pass"];

    /// <summary>Tokens that say by their first letters what they are. Default: the usual issuers', and RunProof's own keys.</summary>
    public IReadOnlyList<TokenRule> Tokens { get; init; } =
    [
        new("token:aws", "AKIA", 16, Exact: true), new("token:aws", "ASIA", 16, Exact: true), new("token:google", "AIza", 35),
        new("token:github", "ghp_", 20), new("token:github", "gho_", 20), new("token:github", "ghu_", 20), new("token:github", "ghs_", 20),
        new("token:github", "ghr_", 20), new("token:github", "gha_", 20), new("token:github", "github_pat_", 20), new("token:gitlab", "glpat-", 20),
        new("token:slack", "xoxa-", 8), new("token:slack", "xoxb-", 8), new("token:slack", "xoxe-", 8), new("token:slack", "xoxp-", 8),
        new("token:slack", "xoxr-", 8), new("token:slack", "xoxs-", 8), new("token:slack", "xapp-", 8), new("token:sk", "sk-", 16),
        new("token:stripe", "sk_live_", 10), new("token:stripe", "sk_test_", 10), new("token:stripe", "rk_live_", 10),
        new("token:npm", "npm_", 30), new("token:runproof", "rpk_", 20),
    ];

    /// <summary>Further patterns in string values. Default: none. Each costs a scan of every payload; the built-in rules do not.</summary>
    public IReadOnlyList<PatternRule> Patterns { get; init; } = [];

    /// <summary>Whether e-mail addresses are removed (rule <c>email</c>). Default: true.</summary>
    public bool Emails { get; init; } = true;

    /// <summary>Whether payment card numbers are removed (rule <c>card</c>): 13 to 19 digits of a card issuer, in groups or not, whose Luhn digit fits. Default: true.</summary>
    public bool Cards { get; init; } = true;

    /// <summary>Whether US social security numbers, <c>ddd-dd-dddd</c>, are removed (rule <c>ssn</c>). Default: true.</summary>
    public bool SocialSecurityNumbers { get; init; } = true;
}

/// <summary>A token that begins in a way of its own.</summary>
/// <param name="Rule">What its removals are called: <c>token:github</c>.</param>
/// <param name="Prefix">How it begins, ASCII; case matters. At least 3 characters.</param>
/// <param name="MinLength">Letters, digits, <c>_</c> and <c>-</c> that must follow, at least.</param>
/// <param name="Exact">Whether exactly that many upper-case letters and digits follow.</param>
public sealed record TokenRule(string Rule, string Prefix, int MinLength, bool Exact = false);

/// <summary>A pattern of an operator's own.</summary>
/// <param name="Rule">What its removals are called.</param>
/// <param name="Pattern">A regular expression that .NET can match in linear time: no look-around, no back-references.</param>
public sealed record PatternRule(string Rule, string Pattern);
