using System.Globalization;

namespace RunProof.AppHost;

/// <summary>What the person at the terminal sees: one line for each event, named by its resource.</summary>
internal sealed class Screen(TextWriter output, TimeProvider clock, int nameWidth)
{
    private const string Red = "31";
    private const string Green = "32";
    private const string Yellow = "33";
    private const string Dim = "2";
    private readonly Lock gate = new();
    private readonly bool colours = ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("NO_COLOR") is null;

    public void Say(string name, string text) => Line(name, text, colour: null);

    public void Good(string name, string text) => Line(name, text, Green);

    public void Warn(string name, string text) => Line(name, text, Yellow);

    public void Bad(string name, string text) => Line(name, text, Red);

    /// <summary>A line of a service's own log.</summary>
    public void Log(string name, string text) => Line(name, text, Dim);

    /// <summary>Rows of a name and a value, between rules.</summary>
    public void Table(string title, IEnumerable<(string Name, string Value, bool? Good)> rows)
    {
        var listed = rows.ToArray();
        var width = listed.Max(row => row.Name.Length);
        var rule = new string('─', Math.Clamp(listed.Max(row => row.Value.Length) + width + 4, 40, 110));
        string[] lines =
        [
            "",
            Paint($"── {title} {rule[Math.Min(rule.Length, title.Length + 4)..]}", Dim),
            .. listed.Select(row => $"  {row.Name.PadRight(width)}  {Paint(row.Value, row.Good switch { true => Green, false => Red, null => null })}"),
            Paint(rule, Dim),
        ];
        lock (gate)
        {
            output.Write(string.Join('\n', lines) + "\n");
            output.Flush();
        }
    }

    private void Line(string name, string text, string? colour)
    {
        var time = clock.GetLocalNow().ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        lock (gate)
        {
            foreach (var line in text.Split('\n'))
                output.WriteLine($"{Paint(time, Dim)} {name.PadRight(nameWidth)} │ {Paint(line.TrimEnd('\r'), colour)}");
            output.Flush();
        }
    }

    private string Paint(string text, string? colour) => colour is null || !colours ? text : $"\u001b[{colour}m{text}\u001b[0m";
}
