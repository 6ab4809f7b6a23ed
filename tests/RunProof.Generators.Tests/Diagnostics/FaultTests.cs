using System.Globalization;
using Microsoft.CodeAnalysis;
using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests.Diagnostics;

/// <summary>Each rule is told once, at its place, in its words.</summary>
public sealed class FaultTests
{
    public static TheoryData<string, string, string> Each()
    {
        var data = new TheoryData<string, string, string>();
        foreach (var (id, source, message) in Faults.All)
            data.Add(id, source, message);
        return data;
    }

    [Theory]
    [MemberData(nameof(Each))]
    public async Task A_fault_is_told_once_at_its_place(string id, string source, string message)
    {
        var (text, start, length) = Faults.Read(source);
        var diagnostic = Assert.Single(await Analyzing.DiagnosticsAsync(Generation.Compile(("Fault.cs", text))));
        Assert.Equal((id, message), (diagnostic.Id, diagnostic.GetMessage(CultureInfo.InvariantCulture)));
        Assert.Equal(text.Substring(start, length), text.Substring(diagnostic.Location.SourceSpan.Start, diagnostic.Location.SourceSpan.Length));
        Assert.Equal((start, length), (diagnostic.Location.SourceSpan.Start, diagnostic.Location.SourceSpan.Length));
        Assert.Equal("Fault.cs", diagnostic.Location.SourceTree?.FilePath);
    }
}
