using System.Globalization;
using System.Text;

namespace RunProof.Format;

/// <summary>Times on the wire: UTC with exactly six fractional digits, <c>2026-02-10T12:43:41.549430Z</c>.</summary>
public static class WireTime
{
    /// <summary>Characters of a time.</summary>
    public const int Length = 27;

    private const string Layout = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";

    /// <summary>Writes a time; ticks finer than a microsecond are truncated.</summary>
    /// <param name="value">The time, at any offset.</param>
    /// <param name="target">At least <see cref="Length"/> bytes.</param>
    public static void Format(DateTimeOffset value, Span<byte> target)
    {
        var utc = value.UtcDateTime;
        utc.Deconstruct(out int year, out int month, out int day);
        target = target[..Length];
        "0000-00-00T00:00:00.000000Z"u8.CopyTo(target);
        TwoDigits(target, 0, year / 100);
        TwoDigits(target, 2, year % 100);
        TwoDigits(target, 5, month);
        TwoDigits(target, 8, day);
        var ofDay = utc.TimeOfDay.Ticks;
        var seconds = (int)(ofDay / TimeSpan.TicksPerSecond);
        TwoDigits(target, 11, seconds / 3600);
        TwoDigits(target, 14, seconds / 60 % 60);
        TwoDigits(target, 17, seconds % 60);
        var micros = (int)(ofDay % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMicrosecond);
        TwoDigits(target, 20, micros / 10_000);
        TwoDigits(target, 22, micros / 100 % 100);
        TwoDigits(target, 24, micros % 100);
    }

    /// <summary>The time as text.</summary>
    /// <param name="value">The time, at any offset.</param>
    /// <returns>27 characters.</returns>
    public static string ToText(DateTimeOffset value) => value.UtcDateTime.ToString(Layout, CultureInfo.InvariantCulture);

    /// <summary>Reads a time; any other form is refused.</summary>
    /// <param name="text">The text.</param>
    /// <param name="value">The time in UTC, where the form is right.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out DateTimeOffset value) =>
        DateTimeOffset.TryParseExact(
            text, Layout, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out value);

    /// <inheritdoc cref="TryParse(ReadOnlySpan{char}, out DateTimeOffset)"/>
    internal static bool TryParse(ReadOnlySpan<byte> text, out DateTimeOffset value)
    {
        Span<char> characters = stackalloc char[Length];
        value = default;
        return text.Length == Length && Encoding.Latin1.GetChars(text, characters) == Length && TryParse(characters, out value);
    }

    /// <summary>Cuts a time to the microseconds that the wire and PostgreSQL keep.</summary>
    /// <param name="value">The time.</param>
    /// <returns>The same time in UTC, whole microseconds.</returns>
    public static DateTimeOffset Truncate(DateTimeOffset value)
    {
        var utc = value.ToUniversalTime();
        return utc.AddTicks(-(utc.Ticks % TimeSpan.TicksPerMicrosecond));
    }

    private static void TwoDigits(Span<byte> target, int at, int value)
    {
        target[at + 1] = (byte)('0' + (value % 10));
        target[at] = (byte)('0' + (value / 10));
    }
}
