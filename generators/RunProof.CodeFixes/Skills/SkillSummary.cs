using System.Globalization;
using System.Linq;
using Microsoft.CodeAnalysis;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>
/// A first summary of a skill, from what is declared: its name in words, what it takes and what it returns. Every word of it is true as it
/// stands, so that nothing false reaches a planner where nobody edits it.
/// </summary>
internal static class SkillSummary
{
    private const int MostNames = 6;

    /// <summary><c>Send invoice: takes customer and amount_cents, returns invoice_id.</c>, escaped for XML.</summary>
    public static string Of(string name, ITypeSymbol? parameters, ITypeSymbol? outcome) =>
        Escaped($"{Words(name)}: takes {Names(parameters)}, returns {Names(outcome)}.");

    private static string Words(string name)
    {
        var words = string.Join(" ", name.Split(['.', '_', '-', ':', '/'], System.StringSplitOptions.RemoveEmptyEntries));
        return words.Length == 0 ? name : char.ToUpperInvariant(words[0]) + words.Substring(1);
    }

    private static string Names(ITypeSymbol? record)
    {
        var all = record is INamedTypeSymbol type ? RecordParser.Properties(type).Select(property => Wire(type, property)).ToList() : [];
        var names = all.Count > MostNames ? all.Take(MostNames - 1).Append((all.Count - MostNames + 1).ToString(CultureInfo.InvariantCulture) + " more").ToList() : all;
        return names.Count switch
        {
            0 => "nothing",
            1 => names[0],
            _ => string.Join(", ", names.Take(names.Count - 1)) + " and " + names[names.Count - 1],
        };
    }

    private static string Wire(INamedTypeSymbol type, IPropertySymbol property) =>
        RecordParser.GivenWireName(Construction.Of(type, default), property) ?? SnakeCase.Of(property.Name);

    private static string Escaped(string text) => text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;");
}
