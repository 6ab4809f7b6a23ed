using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>Which names say money, read word by word: the last word of a name says what it is a name of.</summary>
internal static class Money
{
    private static readonly HashSet<string> Words = new(StringComparer.Ordinal)
    {
        "amount", "amounts", "balance", "balances", "cent", "cents", "cost", "costs", "fee", "fees", "money", "payment", "payments", "price", "prices", "refund", "refunds",
        "revenue", "salary", "subtotal", "subtotals", "tax", "taxes", "total", "totals", "wage", "wages", "dollar", "dollars", "euro", "euros",
    };

    /// <summary>ISO 4217, without the codes that are words of other meanings (<c>all</c>, <c>top</c>, <c>try</c>).</summary>
    private static readonly HashSet<string> Currencies = new(StringComparer.Ordinal)
    {
        "aud", "brl", "cad", "chf", "cny", "czk", "dkk", "eur", "gbp", "hkd", "huf", "idr", "ils", "inr", "jpy", "krw", "mxn", "myr", "nok", "nzd", "pln", "sek", "sgd", "thb", "twd", "usd", "zar",
    };

    /// <summary>What measures something else: a total of these is no sum of money.</summary>
    private static readonly HashSet<string> Measures = new(StringComparer.Ordinal)
    {
        "bytes", "count", "days", "distance", "duration", "errors", "hours", "items", "latency", "length", "minutes", "ms", "percent", "points", "rate", "ratio", "requests", "rows", "score",
        "scores", "seconds", "time", "tokens", "weight",
    };

    /// <summary>
    /// Whether a snake_case name says money: its last word is one of money's or a currency (<c>unit_price</c>, <c>spent_usd</c>), or the last before
    /// <c>per</c> is (<c>cost_per_token</c>). So <c>fee_rate</c>, <c>discount</c>, <c>costly</c> and <c>tokens_total</c> do not.
    /// </summary>
    public static bool IsMeant(string name)
    {
        var words = name.ToLowerInvariant().Split('_').Select(static word => word.TrimEnd('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')).Where(static word => word.Length > 0).ToList();
        if (words.IndexOf("per") is > 0 and var per)
            words.RemoveRange(per, words.Count - per);
        if (words.Count == 0)
            return false;
        var last = words[words.Count - 1];
        if (last is "total" or "totals" && words.Any(Measures.Contains))
            return false;
        return Words.Contains(last) || Currencies.Contains(last);
    }

    /// <summary>The <c>float</c> or <c>double</c> that a member is or holds in lists and maps, or null. Of a nested record its own members tell.</summary>
    public static ITypeSymbol? Floating(ITypeSymbol type) => type switch
    {
        { SpecialType: SpecialType.System_Single or SpecialType.System_Double } => type,
        IArrayTypeSymbol array => Floating(array.ElementType),
        INamedTypeSymbol { TypeArguments.Length: > 0 } generic when generic.TypeKind != TypeKind.Error => Floating(generic.TypeArguments[generic.TypeArguments.Length - 1]),
        _ => null,
    };
}
