namespace RunProof.Ledger;

/// <summary>The words of budgets, as stored and on the wire.</summary>
public static class BudgetWords
{
    private static readonly string[] Scopes = ["run", "agent", "tenant"];
    private static readonly string[] Periods = ["run", "day", "month", "total"];
    private static readonly string[] Ends = ["halt", "continue", "require_approval"];

    /// <summary>The word.</summary>
    public static string Of(BudgetScope scope) => Scopes[(int)scope];

    /// <summary>The word.</summary>
    public static string Of(BudgetPeriod period) => Periods[(int)period];

    /// <summary>The word.</summary>
    public static string Of(OnExceeded onExceeded) => Ends[(int)onExceeded];

    /// <summary>All words of scopes, in the order of the values.</summary>
    public static IReadOnlyList<string> AllScopes => Scopes;

    /// <summary>All words of periods, in the order of the values.</summary>
    public static IReadOnlyList<string> AllPeriods => Periods;

    /// <summary>All words of what becomes of a step, in the order of the values.</summary>
    public static IReadOnlyList<string> AllEnds => Ends;

    /// <summary>Whether a text can be a budget's id. <c>run</c> is the name of the budget that a run is created with.</summary>
    public static bool IsId(string text) =>
        text.Length is >= 1 and <= 64 && text != "run" && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-');
}
