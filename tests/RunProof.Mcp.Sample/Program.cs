using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

// One argument: how the server misbehaves. Each request is answered on one line; what the server was told is appended to the file in the variable TOLD.
var mode = args.Length > 0 ? args[0] : "good";
var told = Environment.GetEnvironmentVariable("TOLD");
var version = Environment.GetEnvironmentVariable("SERVER_VERSION") ?? "1.0.0";
var output = Console.Out;
var changed = false;
var (open, most) = (0, 0);
JsonNode? waiting = null;

if (mode == "never-starts")
{
    await Console.Error.WriteLineAsync("missing configuration: SECRET_THING");
    return 3;
}

if (mode == "never-answers")
    await Task.Delay(Timeout.Infinite);
if (mode == "floods-stderr")
    _ = Task.Run(() =>
    {
        while (true)
            Console.Error.Write(new string('x', 10_000));
    });

for (string? line; (line = await Console.In.ReadLineAsync()) is not null;)
{
    if (told is not null)
        await File.AppendAllTextAsync(told, line + "\n");
    var request = JsonNode.Parse(line)!;
    var id = request["id"]?.DeepClone();
    switch (request["method"]?.GetValue<string>())
    {
        case "initialize":
            Answer(id, $$$"""{"protocolVersion":{{{request["params"]!["protocolVersion"]!.ToJsonString()}}},"capabilities":{"tools":{"listChanged":{{{(mode == "says-nothing" ? "false" : "true")}}}}},"serverInfo":{"name":"sample","version":"{{{version}}}"}}""");
            break;
        case "tools/list":
            List(id, request["params"]?["cursor"]?.GetValue<string>());
            break;
        case "tools/call":
            await CallAsync(id, request["params"]!);
            break;
        case { } when id is not null:
            Line($$$"""{"jsonrpc":"2.0","id":{{{id.ToJsonString()}}},"error":{"code":-32601,"message":"no such method"}}""");
            break;
    }
}

return 0;

void List(JsonNode? id, string? cursor)
{
    const string Echo = """{"name":"echo","description":"Says it back.","inputSchema":{"type":"object","properties":{"text":{"type":"string"}},"required":["text"],"additionalProperties":false}}""";
    const string Other = """{"name":"other","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}""";
    const string Changed = """{"name":"echo","description":"Now says something else.","inputSchema":{"type":"object","properties":{"words":{"type":"string"}},"required":["words"]}}""";
    const string Measure = """{"name":"measure","inputSchema":{"type":"object"},"outputSchema":{"type":"object","properties":{"degrees":{"type":"number"},"place":{"$ref":"#/$defs/place"}},"required":["degrees"],"$defs":{"place":{"enum":["roof","cellar"]}}}}""";
    var bad = """{"name":"bad name","inputSchema":{"type":"object"}},{"name":"no-schema"}""";
    if (mode == "pages")
        Answer(id, cursor is null ? $$"""{"tools":[{{Other}}],"nextCursor":"2"}""" : $$"""{"tools":[{{Echo}}]}""");
    else if (mode == "endless-pages")
        Answer(id, $$"""{"tools":[],"nextCursor":"{{Guid.NewGuid()}}"}""");
    else if (mode == "two-of-one-name")
        Answer(id, $$"""{"tools":[{{Echo}},{{Changed}}]}""");
    else if (mode == "measures")
        Answer(id, $$"""{"tools":[{{Measure}}]}""");
    else if (changed && mode == "loses-tool")
        Answer(id, $$"""{"tools":[{{Other}}]}""");
    else if (changed)
        Answer(id, $$"""{"tools":[{{Changed}},{{Other}}]}""");
    else
        Answer(id, $$"""{"tools":[{{Echo}},{{Other}}{{(mode == "odd-tools" ? "," + bad : "")}}]}""");
}

async Task CallAsync(JsonNode? id, JsonNode call)
{
    var text = call["arguments"]?["text"]?.GetValue<string>() ?? "";
    switch (mode)
    {
        case "hangs":
            return;
        case "dies":
            Environment.Exit(7);
            return;
        case "measures":
            // The caller says what the server is to answer.
            Answer(id, call["arguments"]!["answer"]!.ToJsonString());
            return;
        case "says-how-far" or "says-how-far-and-hangs":
            var token = call["_meta"]!["progressToken"]!.ToJsonString();
            Line("""{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":4711,"progress":9,"message":"of no call"}}""");
            Line("""{"jsonrpc":"2.0","method":"notifications/progress","params":["no object"]}""");
            for (var i = 1; i <= (text.Length == 0 ? 1 : int.Parse(text, CultureInfo.InvariantCulture)); i++)
                Line($$$"""{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":{{{token}}},"progress":{{{i}}},"total":1e3,"message":"s3cr3t-token in file {{{i}}} {{{new string('.', 300)}}}"}}""");
            if (mode == "says-how-far-and-hangs")
                return;
            break;
        case "counts-open":
            int seen;
            lock (output)
                seen = most = Math.Max(most, ++open);
            _ = Task.Delay(20).ContinueWith(_ =>
            {
                lock (output)
                {
                    open--;
                    Answer(id, $$$"""{"content":[],"structuredContent":{"most":{{{seen}}}}}""");
                }
            }, TaskScheduler.Default);
            return;
        case "together":
            // Nobody is answered before two ask.
            if (waiting is null)
            {
                waiting = id;
                return;
            }

            Answer(waiting, """{"content":[{"type":"text","text":"first"}]}""");
            Answer(id, """{"content":[{"type":"text","text":"second"}]}""");
            waiting = null;
            return;
        case "prints-garbage":
            Line("this is no JSON\n{\"neither\":\"is this\"}\n\n[1,2");
            break;
        case "answers-twice":
            Answer(id, $$$"""{"content":[{"type":"text","text":"{{{text}}} one"}]}""");
            Answer(id, $$$"""{"content":[{"type":"text","text":"{{{text}}} two"}]}""");
            return;
        case "huge-line":
            while (true)
                await output.WriteAsync(new string('y', 100_000));
        case "refuses":
            Line($$$"""{"jsonrpc":"2.0","id":{{{id!.ToJsonString()}}},"error":{"code":-32602,"message":"not like this"}}""");
            return;
        case "no-content":
            Answer(id, """{"hello":1}""");
            return;
        case "odd-content":
            Answer(id, """{"content":[{"type":"text","text":"a","n":12345678901234567890},{"type":"text","text":"b","text":"c"},{"type":"new-kind","deep":{"x":[1]}}],"structuredContent":{"sum":0.1},"isError":false}""");
            return;
        case "binary":
            Answer(id, $$$"""{"content":[{"type":"image","mimeType":"image/png","data":"{{{Convert.ToBase64String(new byte[3_000])}}}"},{"type":"resource","resource":{"uri":"x:y","blob":"{{{Convert.ToBase64String(new byte[3_000])}}}"}},{"type":"image","mimeType":"image/png","data":"AAAA"}]}""");
            return;
        case "large":
            Answer(id, $$$"""{"content":[{"type":"text","text":"{{{new string('z', 5_000)}}}"}]}""");
            return;
        case "error":
            Answer(id, """{"content":[{"type":"text","text":"disk is full"}],"isError":true}""");
            return;
        case "environment":
            var variables = new JsonObject();
            foreach (System.Collections.DictionaryEntry one in Environment.GetEnvironmentVariables())
                variables[(string)one.Key] = (string?)one.Value;
            Answer(id, new JsonObject { ["content"] = new JsonArray(), ["structuredContent"] = variables }.ToJsonString());
            return;
        case "changes" or "loses-tool" or "says-nothing":
            changed = true;
            if (mode != "says-nothing")
                Line("""{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}""");
            break;
        case "says-changes-for-ever":
            for (var i = 0; i < 100_000; i++)
                Line("""{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}""");
            break;
    }

    Answer(id, $$$"""{"content":[{"type":"text","text":{{{JsonSerializer.Serialize(text)}}}}]}""");
}

void Answer(JsonNode? id, string result) => Line($$$"""{"jsonrpc":"2.0","id":{{{id!.ToJsonString()}}},"result":{{{result}}}}""");

void Line(string line)
{
    lock (output)
    {
        output.Write(string.Create(CultureInfo.InvariantCulture, $"{line}\n"));
        output.Flush();
    }
}
