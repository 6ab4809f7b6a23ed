using System.Buffers;
using System.Globalization;
using System.Text;

namespace RunProof.Ledger;

/// <summary>Where a reader stands: <c>headers.authorization</c>, <c>items[2].email</c>, <c>["odd name"].x</c>; empty at the root.</summary>
internal readonly struct JsonPlace(string root)
{
    private static readonly SearchValues<char> PlainName = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-$");

    private readonly List<Frame> _frames = [];

    internal void Enter(bool isArray) => _frames.Add(new Frame(isArray));

    internal void Leave() => _frames.RemoveAt(_frames.Count - 1);

    /// <summary>A member begins.</summary>
    internal void Name(string name) => _frames[^1].Name = name;

    /// <summary>A value begins; in an array that is the next.</summary>
    internal void Next()
    {
        if (_frames is [.., { IsArray: true } frame])
            frame.Index++;
    }

    internal bool IsNamed(string name) => _frames is [.., { IsArray: false } frame] && frame.Name == name;

    /// <summary>The place of a member that is not entered yet.</summary>
    internal string Of(string name)
    {
        Name(name);
        return ToString();
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder(root);
        foreach (var frame in _frames)
        {
            if (frame.IsArray)
                text.Append(CultureInfo.InvariantCulture, $"[{frame.Index}]");
            else if (frame.Name.Length == 0 || frame.Name.AsSpan().ContainsAnyExcept(PlainName))
                text.Append("[\"").Append(frame.Name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)).Append("\"]");
            else
                text.Append(text.Length == 0 ? "" : ".").Append(frame.Name);
        }

        return text.ToString();
    }

    private sealed class Frame(bool isArray)
    {
        internal bool IsArray { get; } = isArray;

        internal int Index { get; set; } = -1;

        internal string Name { get; set; } = "";
    }
}
