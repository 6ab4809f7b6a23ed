using System.Text.Json.Nodes;
using System.Threading.Channels;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace RunProof.Mcp;

/// <summary>
/// Takes <c>notifications/progress</c> out of what a server sends, in the order in which it comes. The client handles each message on its own, so that one of progress might
/// come after the answer that it was sent before; and a flood of them would be a flood of tasks.
/// </summary>
internal sealed class ProgressTap(IClientTransport inner, Action<JsonObject> said) : IClientTransport
{
    public string Name => inner.Name;

    public async Task<ITransport> ConnectAsync(CancellationToken cancellationToken = default) => new Session(await inner.ConnectAsync(cancellationToken), said);

    private sealed class Session(ITransport inner, Action<JsonObject> said) : ITransport
    {
        public string? SessionId => inner.SessionId;

        public ChannelReader<JsonRpcMessage> MessageReader { get; } = new Reader(inner.MessageReader, said);

        public Task SendMessageAsync(JsonRpcMessage message, CancellationToken cancellationToken = default) => inner.SendMessageAsync(message, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private sealed class Reader(ChannelReader<JsonRpcMessage> inner, Action<JsonObject> said) : ChannelReader<JsonRpcMessage>
    {
        public override Task Completion => inner.Completion;

        public override ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default) => inner.WaitToReadAsync(cancellationToken);

        public override bool TryRead(out JsonRpcMessage item)
        {
            while (inner.TryRead(out item!))
            {
                if (item is not JsonRpcNotification { Method: NotificationMethods.ProgressNotification, Params: var told })
                    return true;
                if (told is JsonObject progress)
                    said(progress);
            }

            return false;
        }
    }
}
