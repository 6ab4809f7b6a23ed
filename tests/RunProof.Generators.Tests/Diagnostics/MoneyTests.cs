using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests.Diagnostics;

/// <summary>RP0208 reads names word by word.</summary>
public sealed class MoneyTests
{
    [Theory]
    [InlineData("Amount")]
    [InlineData("amount_usd")]
    [InlineData("AmountUsd")]
    [InlineData("AmountUSD")]
    [InlineData("USDAmount")]
    [InlineData("PriceEur")]
    [InlineData("PriceInCents")]
    [InlineData("CostCents")]
    [InlineData("UnitPrice")]
    [InlineData("Price2")]
    [InlineData("Price_1")]
    [InlineData("ShippingFees")]
    [InlineData("DiscountAmount")]
    [InlineData("Discount_amount")]
    [InlineData("CostPerToken")]
    [InlineData("PricePerMillionTokens")]
    [InlineData("SpentUsd")]
    [InlineData("Total")]
    [InlineData("GrandTotal")]
    [InlineData("Subtotal")]
    [InlineData("Balance")]
    [InlineData("ValueAddedTax")]
    public async Task A_name_that_says_money_is_told(string name) => Assert.Equal("RP0208", Assert.Single(await Told("double", name)).Id);

    [Theory]
    [InlineData("Count")]
    [InlineData("Discount")]
    [InlineData("DiscountRate")]
    [InlineData("FeeRate")]
    [InlineData("PriceIndex")]
    [InlineData("CostFactor")]
    [InlineData("AmountPercent")]
    [InlineData("Costly")]
    [InlineData("Coffee")]
    [InlineData("Accost")]
    [InlineData("Percent")]
    [InlineData("Recent")]
    [InlineData("Priced")]
    [InlineData("Totality")]
    [InlineData("TokensTotal")]
    [InlineData("TotalMs")]
    [InlineData("TotalSeconds")]
    [InlineData("ScoreTotal")]
    [InlineData("FeesPaidAt")]
    [InlineData("TaxId")]
    [InlineData("Per")]
    [InlineData("_")]
    [InlineData("_1")]
    public async Task A_name_that_says_something_else_is_not(string name) => Assert.Empty(await Told("double", name));

    [Theory]
    [InlineData("double")]
    [InlineData("float?")]
    [InlineData("double[]")]
    [InlineData("List<double>?")]
    [InlineData("ImmutableArray<float?>")]
    [InlineData("Dictionary<string, double>")]
    [InlineData("IReadOnlyDictionary<string, List<double?>?>?")]
    public async Task Any_float_is_told_wherever_it_is_held(string type) => Assert.Equal("RP0208", Assert.Single(await Told(type, "Amounts")).Id);

    [Theory]
    [InlineData("decimal")]
    [InlineData("int")]
    [InlineData("long?")]
    [InlineData("string")]
    [InlineData("List<decimal>")]
    [InlineData("P")]
    public async Task What_holds_money_is_not_told(string type) => Assert.Empty(await Told(type, "Amounts"));

    [Fact]
    public async Task The_wire_name_says_it_as_well() => Assert.Equal("RP0208", Assert.Single(await Analyzing.DiagnosticsAsync(Generation.Compile(
        ("A.cs", Faults.Usings + "[Canonical] public sealed partial record A([WireName(\"total_eur\")] double X, [WireName(\"x\")] double Ratio);")))).Id);

    private static async Task<IReadOnlyList<Microsoft.CodeAnalysis.Diagnostic>> Told(string type, string name) => await Analyzing.DiagnosticsAsync(Generation.Compile(
        ("A.cs", Faults.Usings + Faults.Records + $"[Canonical] public sealed partial record A {{ [WireName(\"x\")] public required {type} {name} {{ get; init; }} }}")));
}
