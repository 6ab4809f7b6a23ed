using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace RunProof.Generators.Tests.Driving;

/// <summary>An additional file that is on no disk.</summary>
internal sealed class TextInMemory(string path, string text) : AdditionalText
{
    /// <summary>A lock with one record, which no sample declares.</summary>
    public const string LockOfOne = Begin + Outcome + "\n" + End;

    /// <summary>The same with another.</summary>
    public const string LockOfTwo = Begin + Outcome + ",\n" + Parameters + "\n" + End;

    private const string Begin = "{\n  \"format\": \"runproof-canonical-lock/v1\",\n  \"records\": [\n";

    private const string Outcome = """
            {
              "name": "echo.outcome", "version": "1", "fingerprint": "7a2dc328aafab46c608d6f92cb3130018ed394410745a8ebc93006e2a4efb7bd",
              "members": [
                {"wire": "message", "property": "Message", "type": "json"}
              ]
            }
        """;

    private const string Parameters = """
            {
              "name": "echo.parameters", "version": "1", "fingerprint": "d6cf853f2c6f31cf806ca7a72e4ea4943965361656afebf9d1a8f56722788306",
              "members": [
                {"wire": "message", "property": "Message", "type": "json"}
              ]
            }
        """;

    private const string End = "  ],\n  \"skills\": [\n  ]\n}\n";

    public override string Path => path;

    public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
}
