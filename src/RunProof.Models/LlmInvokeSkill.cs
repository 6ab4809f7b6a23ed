using System.ClientModel;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.DependencyInjection;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.Models;

/// <summary>Asks a language model that the operator has configured, once, and gives its answer with the tokens and what they cost.</summary>
/// <remarks>
/// The service's key is in no evidence, nor is its address. The model's wish to call a function is an outcome: nothing is called. Failures that may pass: <c>rate_limited</c>,
/// <c>model_unavailable</c>, <c>timeout</c>, <c>connect_failed</c>, <c>answer_malformed</c>, <c>answer_not_json</c>. Others: <c>unknown_model</c>,
/// <c>invalid_parameters</c>, <c>unknown_prompt</c>, <c>prompt_changed</c>, <c>request_too_large</c>, <c>request_refused</c>, <c>key_refused</c>, <c>quota_exhausted</c>,
/// <c>redirect_refused</c>, <c>tls_failed</c>, <c>answer_too_large</c>, <c>answer_truncated</c>, <c>content_refused</c>; the last two and answer_not_json keep the answer.
/// </remarks>
[Skill("llm_invoke", Version = "1.0.0", Replay = ReplayBehavior.Skip, Idempotent = true)]
public sealed partial class LlmInvokeSkill(ModelCatalog catalog) : ILimited<LlmInvokeParameters>
{
    /// <summary>
    /// What a call with <c>max_tokens</c> may use: these, and a token for each byte of the request, which no tokenizer exceeds; at the model's prices. Without max_tokens it is not known.
    /// </summary>
    /// <param name="parameters">The call.</param>
    /// <param name="services">Has the catalog.</param>
    /// <param name="tenant">Whose call it is.</param>
    /// <returns>The most; null where it is not known, or nothing is sent.</returns>
    public static UseLimit? MostOf(LlmInvokeParameters parameters, IServiceProvider services, TenantId tenant)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        var catalog = services.GetRequiredService<ModelCatalog>();
        if (parameters.MaxTokens is not { } most || ChatRequest.Refusal(parameters) is not null || catalog.Find(parameters.Model, tenant) is not { } model)
            return null;
        var prompt = parameters.SystemPrompt ?? (parameters.SystemPromptRef is { } name ? catalog.FindPrompt(name)?.Text : null);
        var sent = ChatRequest.Write(parameters, model, prompt, long.MaxValue).Length;
        var price = model.Endpoint.Price;
        return new UseLimit(price is null ? 0 : Math.Max(price.CentsOf(sent, 0, most), price.CentsOf(sent, sent, most)), (long)sent + most);
    }

    /// <summary>Asks.</summary>
    /// <param name="parameters">What and whom.</param>
    /// <param name="context">The step: it is told tokens and cost.</param>
    /// <param name="cancellationToken">Cuts the call off; what the service does then is not known.</param>
    /// <exception cref="OperationCanceledException">The step timed out or the run was stopped; the model's own timeout is a failure.</exception>
    /// <returns>The answer, or why there is none.</returns>
    public async Task<SkillResult<LlmInvokeOutcome>> ExecuteAsync(LlmInvokeParameters parameters, SkillContext context, CancellationToken cancellationToken)
    {
        if (catalog.Find(parameters.Model, context.TenantId) is not { } model)
            return Failed("unknown_model", catalog.ModelsOf(context.TenantId) is { Count: > 0 } known ? $"there is no model \"{parameters.Model}\"; there are: {string.Join(", ", known)}" : ModelCatalog.HowTo);
        if (ChatRequest.Refusal(parameters) is { } wrong)
            return Failed("invalid_parameters", wrong);
        if (!TryFindPrompt(parameters, out var prompt, out var missing))
            return SkillResult<LlmInvokeOutcome>.Failed(missing!);
        var seed = !model.Endpoint.TakesSeed ? null : parameters.Seed ?? (context.Seed.Value == 0 ? null : context.Seed.Value);
        var request = ChatRequest.Write(parameters, model, parameters.SystemPrompt ?? prompt?.Text, seed);
        if (request.Length > model.Endpoint.MaxRequestBytes)
            return Failed("request_too_large", string.Create(CultureInfo.InvariantCulture, $"the request has {request.Length} bytes, at most {model.Endpoint.MaxRequestBytes} are sent to \"{model.Name}\""));

        using var timeout = new CancellationTokenSource(model.Endpoint.Timeout, context.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        ModelReply reply;
        try
        {
            reply = await model.SendAsync(request, context.IdempotencyKey, either.Token).ConfigureAwait(false);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception) when (timeout.IsCancellationRequested)
        {
            return Failed("timeout", string.Create(CultureInfo.InvariantCulture, $"the model \"{model.Name}\" did not answer within {model.Endpoint.Timeout.TotalMilliseconds:0} ms"), retryable: true);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or ClientResultException or AggregateException or TaskCanceledException)
        {
            return SkillResult<LlmInvokeOutcome>.Failed(OfConnection(model, e));
        }

        if (reply.Body is not { } body)
            return Failed("answer_too_large", string.Create(CultureInfo.InvariantCulture, $"the model \"{model.Name}\" answered {reply.Status} with more than {model.Endpoint.MaxAnswerBytes} bytes"));
        if (reply.Status is < 200 or > 299)
            return SkillResult<LlmInvokeOutcome>.Failed(ServiceFailure.Of(model, reply, body, context.Clock.GetUtcNow()));
        return Judge(parameters, model, body, seed, prompt?.Digest, context);
    }

    private static SkillResult<LlmInvokeOutcome> Judge(
        LlmInvokeParameters asked, ModelConnection model, ReadOnlyMemory<byte> body, long? seed, string? promptDigest, SkillContext context)
    {
        ChatAnswer answer;
        try
        {
            answer = ChatAnswer.Read(body).Without(model.Endpoint.ApiKey);
        }
        catch (FormatException malformed)
        {
            return Failed("answer_malformed", $"what \"{model.Name}\" answered is no chat completion: {malformed.Message}", retryable: true);
        }

        // Paid for, whatever it is worth.
        context.AddUsage(UsageOf(model, answer));
        var json = ChatRequest.WantsJson(asked) && answer.ToolCalls.Count == 0 ? JsonOf(answer.Content) : null;
        var outcome = new LlmInvokeOutcome
        {
            Content = answer.Content,
            Json = json,
            ToolCalls = answer.ToolCalls,
            FinishReason = answer.FinishReason,
            Refusal = answer.Refusal,
            Model = answer.Model ?? model.Endpoint.Model,
            ResponseId = answer.Id,
            Seed = seed,
            SystemPromptDigest = promptDigest,
            Usage = answer.Usage,
        };
        if (answer.FinishReason is "content_filter" || answer.Refusal is { Length: > 0 })
            return Kept(outcome, "content_refused", $"the model \"{model.Name}\" will not answer this");
        if (answer.FinishReason is "length")
            return Kept(outcome, "answer_truncated", $"the model \"{model.Name}\" was cut off by the limit of tokens");
        if (ChatRequest.WantsJson(asked) && answer.ToolCalls.Count == 0 && json is null)
            return Kept(outcome, "answer_not_json", $"the model \"{model.Name}\" was asked for JSON and answered something else", retryable: true);
        return outcome;
    }

    private static ModelUsage UsageOf(ModelConnection model, ChatAnswer answer) => new()
    {
        Provider = model.Provider,
        Model = answer.Model ?? model.Endpoint.Model,
        InputTokens = answer.Usage.InputTokens,
        OutputTokens = answer.Usage.OutputTokens,
        CachedTokens = answer.Usage.CachedTokens,
        ReasoningTokens = answer.Usage.ReasoningTokens,
        PriceVersion = model.Endpoint.Price?.Version,
        CostCents = model.Endpoint.Price?.CentsOf(answer.Usage.InputTokens, answer.Usage.CachedTokens, answer.Usage.OutputTokens) ?? 0,
        ResponseId = answer.Id,
    };

    private static CanonicalJson? JsonOf(string? content)
    {
        try
        {
            return content is null ? null : CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes(content));
        }
        catch (CanonicalFormatException)
        {
            return null;
        }
    }

    private bool TryFindPrompt(LlmInvokeParameters asked, out ModelCatalog.Prompt? prompt, out SkillFailure? failure)
    {
        (prompt, failure) = (null, null);
        if (asked.SystemPromptRef is not { } name)
            return true;
        prompt = catalog.FindPrompt(name);
        if (prompt is null)
            failure = new SkillFailure("unknown_prompt", $"the operator has configured no prompt \"{name}\" (RunProof__Prompts__{name})");
        else if (asked.SystemPromptDigest is { } digest && digest != prompt.Digest)
            failure = new SkillFailure("prompt_changed", $"the prompt \"{name}\" is {prompt.Digest} here, and {digest} is asked for");
        return failure is null;
    }

    private static SkillFailure OfConnection(ModelConnection model, Exception e)
    {
        for (var cause = e; cause is not null; cause = cause.InnerException)
        {
            if (cause is AuthenticationException)
                return new SkillFailure("tls_failed", $"no trusted connection to the service of \"{model.Name}\" could be made");
            if (cause is SocketException socket)
                return new SkillFailure("connect_failed", $"the service of \"{model.Name}\" cannot be reached: {socket.SocketErrorCode}", Retryable: true);
        }

        return new SkillFailure("connect_failed", $"the service of \"{model.Name}\" broke the connection off", Retryable: true);
    }

    private static SkillResult<LlmInvokeOutcome> Kept(LlmInvokeOutcome outcome, string code, string message, bool retryable = false) =>
        SkillResult<LlmInvokeOutcome>.Failed(new SkillFailure(code, message, retryable), outcome);

    private static SkillResult<LlmInvokeOutcome> Failed(string code, string message, bool retryable = false) =>
        SkillResult<LlmInvokeOutcome>.Failed(new SkillFailure(code, message, retryable));
}
