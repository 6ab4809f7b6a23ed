namespace RunProof.Policies;

/// <summary>A pattern in which <c>*</c> is any characters, also none, and <c>?</c> any one. No escapes: names of skills, hosts and agents hold neither.</summary>
internal sealed record Glob(string Pattern)
{
    internal bool IsMatch(ReadOnlySpan<char> text)
    {
        var pattern = Pattern.AsSpan();
        var (at, inText, star, resume) = (0, 0, -1, 0);
        while (inText < text.Length)
        {
            if (at < pattern.Length && pattern[at] == '*')
            {
                star = at++;
                resume = inText;
            }
            else if (at < pattern.Length && (pattern[at] == '?' || pattern[at] == text[inText]))
            {
                at++;
                inText++;
            }
            else if (star >= 0)
            {
                // The star takes one more.
                at = star + 1;
                inText = ++resume;
            }
            else
            {
                return false;
            }
        }

        return pattern[at..].IndexOfAnyExcept('*') < 0;
    }
}

/// <summary>Several patterns; one must match.</summary>
internal sealed record Globs(IReadOnlyList<Glob> Patterns)
{
    internal bool IsMatch(ReadOnlySpan<char> text)
    {
        foreach (var pattern in Patterns)
        {
            if (pattern.IsMatch(text))
                return true;
        }

        return false;
    }
}
