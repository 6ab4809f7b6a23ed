using Spectre.Console;

namespace RunProof.Cli;

/// <summary>What a person reads on standard output: lines, fields, tables.</summary>
/// <param name="console">Where.</param>
internal sealed class Page(IAnsiConsole console)
{
    /// <summary>Writes a line.</summary>
    /// <param name="text">Any text; its control characters are shown, not sent.</param>
    internal void Line(string text = "")
    {
        console.Write(new Text(Printable.Of(text)));
        console.WriteLine();
    }

    /// <summary>Writes a line in the colour of a verdict or a status, where there are colours.</summary>
    /// <param name="tone">How it is meant.</param>
    /// <param name="text">Any text.</param>
    internal void Line(Tone tone, string text)
    {
        console.Write(new Text(Printable.Of(text), StyleOf(tone)));
        console.WriteLine();
    }

    /// <summary>Writes names and values below each other; a null value is left out.</summary>
    /// <param name="fields">The fields.</param>
    internal void Fields(params ReadOnlySpan<(string Name, string? Value)> fields)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap().PadRight(2)).AddColumn(new GridColumn().PadRight(0));
        foreach (var (name, value) in fields)
        {
            if (value is not null)
                grid.AddRow(new Text(name, new Style(decoration: Decoration.Dim)), new Text(Printable.Of(value)));
        }

        Write(grid);
    }

    /// <summary>Writes a table.</summary>
    /// <param name="headings">The columns' names.</param>
    /// <param name="rows">A row has as many cells.</param>
    /// <param name="none">What is said where there is no row.</param>
    internal void Table(string[] headings, IReadOnlyCollection<Cell[]> rows, string none)
    {
        if (rows.Count == 0)
        {
            Line(none);
            return;
        }

        var table = new Table().Border(TableBorder.None);
        foreach (var heading in headings)
            table.AddColumn(new TableColumn(new Text(heading, new Style(decoration: Decoration.Bold))).PadLeft(0).PadRight(2));
        foreach (var row in rows)
            table.AddRow(row.Select(cell => new Text(Printable.Of(cell.Text ?? "-"), StyleOf(cell.Tone))));
        Write(table);
    }

    private void Write(Spectre.Console.Rendering.IRenderable renderable)
    {
        // The renderer pads rows to the table's width; in a pipe that would be trailing blanks.
        if (console.Profile.Capabilities.Ansi)
        {
            console.Write(renderable);
            return;
        }

        var lines = new StringWriter { NewLine = "\n" };
        var plain = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(lines) });
        plain.Profile.Width = console.Profile.Width;
        plain.Write(renderable);
        foreach (var line in lines.ToString().TrimEnd().Split('\n'))
            console.Profile.Out.Writer.WriteLine(line.TrimEnd());
    }

    private static Style StyleOf(Tone tone) => tone switch
    {
        Tone.Good => new Style(Color.Green),
        Tone.Bad => new Style(Color.Red),
        Tone.Open => new Style(Color.Yellow),
        Tone.Quiet => new Style(decoration: Decoration.Dim),
        _ => Style.Plain,
    };
}

/// <summary>How a word is meant; its colour where there are colours. Never the only carrier of a meaning.</summary>
internal enum Tone
{
    Plain,
    Good,
    Bad,
    Open,
    Quiet,
}

/// <summary>A cell of a table.</summary>
/// <param name="Text">Its text; null is shown as a dash.</param>
/// <param name="Tone">How it is meant.</param>
internal readonly record struct Cell(string? Text, Tone Tone = Tone.Plain)
{
    public static implicit operator Cell(string? text) => new(text);
}
