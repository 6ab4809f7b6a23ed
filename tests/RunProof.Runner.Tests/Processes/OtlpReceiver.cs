using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace RunProof.Runner.Tests;

/// <summary>A span as it came over the wire. Attributes of text and of integers only.</summary>
internal sealed record ReceivedSpan(string TraceId, string SpanId, string ParentId, string Name, IReadOnlyDictionary<string, string> Attributes);

/// <summary>A collector of OTLP as other people write them: over HTTP/1.1 with protobuf, or over gRPC.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<(string Signal, byte[] Message)> _received = new();

    private OtlpReceiver(bool grpc)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.Protocols = grpc ? HttpProtocols.Http2 : HttpProtocols.Http1));
        _app = builder.Build();
        _app.Run(context => TakeAsync(context, grpc));
    }

    public Uri Address { get; private set; } = null!;

    public IEnumerable<ReceivedSpan> Spans => Of("trace").SelectMany(SpansOf);

    /// <summary>All metrics or logs, as the text that is in them.</summary>
    public string Text(string signal) => string.Concat(Of(signal).Select(Encoding.UTF8.GetString));

    public static async Task<OtlpReceiver> StartAsync(bool grpc)
    {
        var receiver = new OtlpReceiver(grpc);
        await receiver._app.StartAsync();
        receiver.Address = new Uri(receiver._app.Urls.Single());
        return receiver;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private IEnumerable<byte[]> Of(string signal) => _received.Where(one => one.Signal == signal).Select(one => one.Message);

    private async Task TakeAsync(HttpContext context, bool grpc)
    {
        var path = context.Request.Path.Value!;
        var signal = path.Contains("trace", StringComparison.OrdinalIgnoreCase) ? "trace" : path.Contains("metrics", StringComparison.OrdinalIgnoreCase) ? "metrics" : "logs";
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        // gRPC puts a flag and a length before a message.
        _received.Enqueue((signal, grpc ? body.ToArray()[5..] : body.ToArray()));
        context.Response.ContentType = grpc ? "application/grpc" : "application/x-protobuf";
        if (!grpc)
            return;
        await context.Response.Body.WriteAsync(new byte[5]);
        context.Response.AppendTrailer("grpc-status", "0");
    }

    // ExportTraceServiceRequest → resource_spans 1 → scope_spans 2 → spans 2.
    private static IEnumerable<ReceivedSpan> SpansOf(byte[] request) =>
        from resource in Fields(request) where resource.Number == 1
        from scope in Fields(resource.Bytes) where scope.Number == 2
        from span in Fields(scope.Bytes) where span.Number == 2
        select SpanOf(Fields(span.Bytes).ToList());

    private static ReceivedSpan SpanOf(List<(int Number, byte[] Bytes, ulong Value)> fields) => new(
        Hex(fields, 1), Hex(fields, 2), Hex(fields, 4), Encoding.UTF8.GetString(First(fields, 5)),
        fields.Where(field => field.Number == 9).Select(field => Fields(field.Bytes).ToList()).ToDictionary(pair => Encoding.UTF8.GetString(First(pair, 1)), ValueOf));

    // AnyValue: string_value 1, int_value 3.
    private static string ValueOf(List<(int Number, byte[] Bytes, ulong Value)> pair)
    {
        var value = Fields(First(pair, 2)).FirstOrDefault();
        return value.Number == 1 ? Encoding.UTF8.GetString(value.Bytes) : ((long)value.Value).ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    private static byte[] First(List<(int Number, byte[] Bytes, ulong Value)> fields, int number) => fields.FirstOrDefault(field => field.Number == number).Bytes ?? [];

    private static string Hex(List<(int Number, byte[] Bytes, ulong Value)> fields, int number) => Convert.ToHexStringLower(First(fields, number));

    private static IEnumerable<(int Number, byte[] Bytes, ulong Value)> Fields(byte[] message)
    {
        for (var at = 0; at < message.Length;)
        {
            var key = Varint(message, ref at);
            var (number, value, bytes) = ((int)(key >> 3), 0UL, Array.Empty<byte>());
            switch (key & 7)
            {
                case 0:
                    value = Varint(message, ref at);
                    break;
                case 1:
                    value = BinaryPrimitives.ReadUInt64LittleEndian(message.AsSpan(at));
                    at += 8;
                    break;
                case 2:
                    var length = (int)Varint(message, ref at);
                    bytes = message[at..(at + length)];
                    at += length;
                    break;
                default:
                    value = BinaryPrimitives.ReadUInt32LittleEndian(message.AsSpan(at));
                    at += 4;
                    break;
            }

            yield return (number, bytes, value);
        }
    }

    private static ulong Varint(byte[] message, ref int at)
    {
        var value = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var part = message[at++];
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
                return value;
        }
    }
}
