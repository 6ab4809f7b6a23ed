namespace RunProof.Ledger;

/// <summary>Digits that people must not read: payment cards and US social security numbers.</summary>
internal static class DigitGroups
{
    private const int ShortestCard = 13;
    private const int LongestCard = 19;

    /// <summary>The next card or social security number.</summary>
    /// <param name="text">The text.</param>
    /// <param name="at">Where to look from; moves behind what was looked at.</param>
    /// <param name="rules">Which of the two to look for.</param>
    /// <param name="match">What was found.</param>
    /// <returns>Whether there is one.</returns>
    internal static bool TryNext(ReadOnlySpan<char> text, ref int at, RedactionRules rules, out Match match)
    {
        while (at < text.Length)
        {
            var first = text[at..].IndexOfAnyInRange('0', '9');
            if (first < 0)
                break;
            var start = at + first;
            at = EndOfDigits(text, start);
            if (!IsBoundary(text, start - 1))
                continue;
            if (rules.Cards && EndOfCard(text, start, at) is var card and > 0 && !IsInUuid(text, start, card))
            {
                match = new Match(start, at = card, "card");
                return true;
            }

            if (rules.SocialSecurityNumbers && at - start == 3 && IsSocialSecurity(text, start))
            {
                match = new Match(start, at = start + 11, "ssn");
                return true;
            }
        }

        match = default;
        at = text.Length;
        return false;
    }

    /// <summary>Whether the digits of a JSON number are a card's.</summary>
    /// <param name="number">The token.</param>
    internal static bool IsCard(ReadOnlySpan<byte> number)
    {
        Span<char> digits = stackalloc char[LongestCard];
        return number.Length is >= ShortestCard and <= LongestCard
            && System.Text.Ascii.ToUtf16(number, digits, out _) == System.Buffers.OperationStatus.Done
            && EndOfCard(digits[..number.Length], 0, EndOfDigits(digits[..number.Length], 0)) == number.Length;
    }

    /// <summary>Where the longest card number ends that begins here: in one piece, or four digits and then groups with one blank or hyphen between them.</summary>
    private static int EndOfCard(ReadOnlySpan<char> text, int start, int endOfGroup)
    {
        Span<int> digits = stackalloc int[LongestCard];
        var (count, end, found) = (0, endOfGroup, 0);
        var at = start;
        while (count + end - at <= LongestCard)
        {
            for (; at < end; at++)
                digits[count++] = text[at] - '0';
            if (count >= ShortestCard && IsBoundary(text, end) && IsIssued(digits) && HasLuhnDigit(digits[..count]))
                found = end;
            var grouped = endOfGroup - start == 4 && end + 1 < text.Length && text[end] is ' ' or '-' && text[end] == text[endOfGroup] && char.IsAsciiDigit(text[end + 1]);
            if (!grouped)
                break;
            at = end + 1;
            end = EndOfDigits(text, at);
        }

        return found;
    }

    /// <summary>Where digits end.</summary>
    private static int EndOfDigits(ReadOnlySpan<char> text, int start)
    {
        var length = text[start..].IndexOfAnyExceptInRange('0', '9');
        return length < 0 ? text.Length : start + length;
    }

    /// <summary>Inside a word or a decimal the digits are a part of something else.</summary>
    private static bool IsBoundary(ReadOnlySpan<char> text, int at) =>
        at < 0 || at >= text.Length || !(char.IsAsciiLetterOrDigit(text[at]) || text[at] == '_' || IsDecimalPoint(text, at));

    private static bool IsDecimalPoint(ReadOnlySpan<char> text, int at) =>
        text[at] == '.' && at > 0 && at + 1 < text.Length && char.IsAsciiDigit(text[at - 1]) && char.IsAsciiDigit(text[at + 1]);

    private static bool IsInUuid(ReadOnlySpan<char> text, int start, int end)
    {
        const int uuid = 36;
        while (start > 0 && end - start <= uuid && (char.IsAsciiHexDigit(text[start - 1]) || text[start - 1] == '-'))
            start--;
        while (end < text.Length && end - start <= uuid && (char.IsAsciiHexDigit(text[end]) || text[end] == '-'))
            end++;
        return end - start == uuid && Guid.TryParseExact(text[start..end], "D", out _);
    }

    /// <summary>The first digits of an issuer: other long numbers (times, counters) begin with 1 or are spread evenly.</summary>
    private static bool IsIssued(ReadOnlySpan<int> digits) =>
        ((digits[0] * 1000) + (digits[1] * 100) + (digits[2] * 10) + digits[3]) is (>= 2221 and <= 2720) or (>= 3000 and <= 6999);

    private static bool HasLuhnDigit(ReadOnlySpan<int> digits)
    {
        var sum = 0;
        for (var i = 0; i < digits.Length; i++)
        {
            var digit = digits[^(i + 1)] << (i & 1);
            sum += digit > 9 ? digit - 9 : digit;
        }

        return sum % 10 == 0;
    }

    /// <summary><c>ddd-dd-dddd</c>, without the areas, groups and serials that were never given out.</summary>
    private static bool IsSocialSecurity(ReadOnlySpan<char> text, int start)
    {
        if (text.Length - start < 11 || (start > 0 && text[start - 1] == '-'))
            return false;
        var number = text.Slice(start, 11);
        return number[3] == '-' && number[6] == '-'
            && !number[4..6].ContainsAnyExceptInRange('0', '9') && !number[7..].ContainsAnyExceptInRange('0', '9')
            && IsBoundary(text, start + 11) && !(start + 12 < text.Length && text[start + 11] == '-' && char.IsAsciiDigit(text[start + 12]))
            && number[0] != '9' && number[..3] is not "000" and not "666" && number[4..6] is not "00" && number[7..] is not "0000";
    }
}
