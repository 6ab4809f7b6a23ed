using System.Collections;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json;
using RunProof.EmbeddedPostgres;

// sample web [healthy-after-ms] [stubborn] [die-after-ms N]   serves /health at ASPNETCORE_URLS
// sample once CODE [LINE…]                                     prints lines, ends with a code
// sample environment FILE                                      writes its variables as JSON, ends with 0
// sample hold FOLDER                                           runs an embedded PostgreSQL until it is killed
var name = Environment.GetEnvironmentVariable("SAMPLE_NAME") ?? "sample";
Tell($"{name} begins");
switch (args[0])
{
    case "web":
        await ServeAsync(args[1..]);
        break;
    case "once":
        foreach (var line in args[2..])
            Console.WriteLine(line);
        Tell($"{name} ends");
        return int.Parse(args[1], CultureInfo.InvariantCulture);
    case "environment":
        var variables = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value);
        await File.WriteAllTextAsync(args[1], JsonSerializer.Serialize(variables));
        break;
    case "hold":
        var server = await EmbeddedPostgresServer.StartAsync(new EmbeddedPostgresOptions { Folder = args[1] });
        Console.WriteLine($"{server.ProcessId} {server.Port}");
        await Task.Delay(Timeout.InfiniteTimeSpan);
        break;
    default:
        Console.Error.WriteLine($"No such command: {args[0]}");
        return 2;
}
Tell($"{name} ends");
return 0;

void Tell(string what)
{
    if (Environment.GetEnvironmentVariable("SAMPLE_EVENTS") is not { } file)
        return;
    using var stream = new FileStream(file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
    using var writer = new StreamWriter(stream);
    writer.Write(what + "\n");
}

async Task ServeAsync(string[] options)
{
    var stop = new TaskCompletionSource();
    var stubborn = options.Contains("stubborn");
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
    {
        context.Cancel = true;
        if (!stubborn)
            stop.TrySetResult();
    });
    var begun = TimeProvider.System.GetTimestamp();
    var healthyAfter = TimeSpan.FromMilliseconds(options.Length > 0 && int.TryParse(options[0], CultureInfo.InvariantCulture, out var ms) ? ms : 0);
    using var listener = new HttpListener();
    listener.Prefixes.Add(Environment.GetEnvironmentVariable("ASPNETCORE_URLS") + "/");
    listener.Start();
    Console.WriteLine("info: Sample[0]\n      Listening quietly.");
    Console.WriteLine("warn: Sample[0]\n      A warning of two lines.");
    if (Array.IndexOf(options, "die-after-ms") is >= 0 and var at)
        _ = Task.Delay(int.Parse(options[at + 1], CultureInfo.InvariantCulture)).ContinueWith(_ => Environment.Exit(7), TaskScheduler.Default);
    while (!stop.Task.IsCompleted)
    {
        var next = listener.GetContextAsync();
        if (await Task.WhenAny(next, stop.Task) == stop.Task)
            break;
        using var response = (await next).Response;
        response.StatusCode = TimeProvider.System.GetElapsedTime(begun) >= healthyAfter ? 200 : 503;
    }
}
