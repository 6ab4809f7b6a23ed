using RunProof.Format;

namespace RunProof.Policies;

/// <summary>Reads documents of operators that are no policies, as policies are read: YAML or JSON, without anchors and tags, nothing guessed.</summary>
public static class DataDocument
{
    /// <summary>Reads a document.</summary>
    /// <param name="text">YAML or JSON.</param>
    /// <exception cref="FormatException">It is neither; line and column are told.</exception>
    /// <returns>Its canonical JSON.</returns>
    public static CanonicalJson Read(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        try
        {
            return CanonicalDocument.Of(PolicyReader.Parse(text));
        }
        catch (UnreadableDocumentException unreadable)
        {
            var error = unreadable.ToError();
            throw new FormatException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"line {error.Line}, column {error.Column}: {error.Message}"));
        }
        catch (CanonicalFormatException number)
        {
            throw new FormatException(number.Message);
        }
    }
}
