using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Tiles;

namespace RunProof.Cli.Tests;

/// <summary>A log of somebody else's making on a web server of its own, which serves files, or whatever a test makes it do in their place.</summary>
internal sealed class TileServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Dictionary<string, byte[]> _files = new(StringComparer.Ordinal);

    private TileServer(WebApplication app) => _app = app;

    internal static NoteSigner Key { get; } = NoteSigner.Create("log.example/acme", NoteAlgorithm.Ed25519, [.. Enumerable.Repeat((byte)5, 32)]);

    /// <summary>What is done with a request in place of serving a file; whether it was.</summary>
    internal Func<HttpContext, Task<bool>> Instead { get; set; } = static _ => Task.FromResult(false);

    internal ConcurrentQueue<(string Path, string Authorization)> Requests { get; } = [];

    internal string Url => _app.Urls.First() + "/logs/acme";

    internal static async Task<TileServer> StartAsync(int entries, Func<int, string>? text = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = new TileServer(builder.Build());
        server.Publish(entries, text ?? (static number => $"entry {number}"));
        server._app.Run(server.AnswerAsync);
        await server._app.StartAsync();
        return server;
    }

    /// <summary>Serves that many entries, and forgets what was served before.</summary>
    internal void Publish(int entries, Func<int, string> text)
    {
        _files.Clear();
        var tree = new MerkleTree();
        var tiles = new Dictionary<(int Level, long Index), List<Digest>>();
        var bundles = new Dictionary<long, System.Buffers.ArrayBufferWriter<byte>>();
        for (var number = 0; number < entries; number++)
        {
            var (last, bytes) = (tree.Size, Encoding.UTF8.GetBytes(text(number)));
            tree.AppendLeafHash(MerkleTree.LeafHash(bytes), (level, hash) =>
            {
                if (level % 8 == 0)
                    Of(tiles, (level / 8, (last >> level) / 256)).Add(hash);
            });
            EntryBundle.Append(Of(bundles, number / 256), bytes);
        }

        foreach (var ((level, index), hashes) in tiles)
            _files["/" + new TileAddress(TileKind.Hashes, level, index, hashes.Count).Path] = HashTile.Format([.. hashes]);
        foreach (var (index, bundle) in bundles)
            _files["/" + new TileAddress(TileKind.Entries, 0, index, (int)Math.Min(256, entries - (index * 256))).Path] = bundle.WrittenMemory.ToArray();
        var checkpoint = new Checkpoint(Key.Key.Name, entries, tree.Root()).Text;
        _files["/checkpoint"] = Encoding.UTF8.GetBytes(new SignedNote(checkpoint, [Key.Sign(checkpoint, default)]).ToString());
    }

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            await _app.StopAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // An answer without end is under way.
        }

        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        Requests.Enqueue((context.Request.Path, context.Request.Headers.Authorization.ToString()));
        if (await Instead(context))
            return;
        if (context.Request.Path.StartsWithSegments("/logs/acme", out var rest) && _files.TryGetValue(rest.Value!, out var file))
            await context.Response.Body.WriteAsync(file);
        else
            context.Response.StatusCode = 404;
    }

    private static TValue Of<TKey, TValue>(Dictionary<TKey, TValue> all, TKey key)
        where TKey : notnull
        where TValue : new()
    {
        if (!all.TryGetValue(key, out var value))
            all.Add(key, value = new TValue());
        return value;
    }
}
