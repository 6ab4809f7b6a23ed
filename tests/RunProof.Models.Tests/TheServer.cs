using System.ClientModel;
using System.ClientModel.Primitives;
using OpenAI;
using OpenAI.Chat;
using RunProof.Testing;

namespace RunProof.Models.Tests;

/// <summary>The tests' model server, asked through the official client's own types: what it understands, any client does.</summary>
public sealed class TheServer
{
    [Fact]
    public async Task A_conversation_with_a_function_is_understood()
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Calls(("add", """{"a":1}""")) with { CachedTokens = 3 }, ModelTurn.Says("Two"));
        var chat = Client(server);
        var options = new ChatCompletionOptions { Tools = { ChatTool.CreateFunctionTool("add", "Adds.", BinaryData.FromString("""{"type":"object"}""")) } };
        List<ChatMessage> messages = [new UserChatMessage("1+1?")];
        ChatCompletion first = await chat.CompleteChatAsync(messages, options, TestContext.Current.CancellationToken);
        Assert.Equal(ChatFinishReason.ToolCalls, first.FinishReason);
        Assert.Equal(3, first.Usage.InputTokenDetails.CachedTokenCount);
        messages.Add(new AssistantChatMessage(first));
        messages.Add(new ToolChatMessage(first.ToolCalls[0].Id, "2"));
        ChatCompletion second = await chat.CompleteChatAsync(messages, options, TestContext.Current.CancellationToken);
        Assert.Equal("Two", second.Content[0].Text);
    }

    [Fact]
    public async Task A_call_that_is_not_answered_is_refused_as_the_service_does()
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Says("Never"));
        var refused = await Assert.ThrowsAsync<ClientResultException>(() => Client(server).CompleteChatAsync(
            [new UserChatMessage("1+1?"), new AssistantChatMessage([ChatToolCall.CreateFunctionToolCall("c1", "add", BinaryData.FromString("{}"))]), new UserChatMessage("Well?")],
            cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(400, refused.Status);
        Assert.Contains("The following tool_call_ids did not have response messages: c1", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_to_no_call_is_refused()
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Says("Never"));
        var refused = await Assert.ThrowsAsync<ClientResultException>(() => Client(server).CompleteChatAsync(
            [new UserChatMessage("Hi"), new ToolChatMessage("c9", "2")], cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains("must be a response to a preceeding message with 'tool_calls'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_model_and_another_key_are_refused()
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Says("Never"));
        foreach (var (model, key, status) in new[] { ("gpt-0", ModelServer.ApiKey, 404), (ModelServer.Model, "wrong", 401) })
        {
            var refused = await Assert.ThrowsAsync<ClientResultException>(() => Client(server, model, key).CompleteChatAsync([new UserChatMessage("Hi")], cancellationToken: TestContext.Current.CancellationToken));
            Assert.Equal(status, refused.Status);
        }
    }

    private static ChatClient Client(ModelServer server, string model = ModelServer.Model, string key = ModelServer.ApiKey) =>
        new(model, new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(server.Endpoint), RetryPolicy = new ClientRetryPolicy(0) });
}
