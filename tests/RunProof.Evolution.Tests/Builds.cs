namespace RunProof.Evolution.Tests;

/// <summary>The same project at three times. Nothing of the first build's classes is left in the third.</summary>
internal static class Builds
{
    internal const string First = """
        namespace Acme.Orders;

        /// <summary>Places an order.</summary>
        [Skill("place_order", Version = "1.0.0")]
        public sealed partial class PlaceOrder
        {
            public Task<Receipt> ExecuteAsync(Order parameters, SkillContext context, CancellationToken cancellationToken) => Task.FromResult(new Receipt(
                new Guid("0f8fad5b-d9cb-469f-a165-70867728950e"), new DateTimeOffset(2026, 2, 10, 12, 43, 41, 549, 430, TimeSpan.Zero), [parameters.Sku], State.NextDay));
        }

        [Canonical] public sealed partial record Order(string Sku, int Count, decimal Price, Note? Note, IReadOnlyDictionary<string, long> Labels);
        [Canonical] public sealed partial record Note(string Text);
        [Canonical] public sealed partial record Receipt(Guid Id, DateTimeOffset PlacedAt, IReadOnlyList<string> Lines, State State);
        public enum State { Open, [WireName("24h")] NextDay }
        """;

    internal const string Second = """
        namespace Acme.Orders;

        /// <summary>Places an order.</summary>
        [Skill("place_order", Version = "2.0.0")]
        public sealed partial class PlaceOrder
        {
            public Task<Receipt> ExecuteAsync(Order parameters, SkillContext context, CancellationToken cancellationToken) => Task.FromResult(new Receipt(7, State.Sent));
        }

        [Canonical(Version = "2")] public sealed partial record Order([property: WireName("SKU")] string Sku, long Count, string? Note);
        [Canonical(Version = "2")] public sealed partial record Receipt(ulong Number, State State);
        public enum State { Sent }
        """;

    internal const string Third = """
        namespace Acme.Orders;

        /// <summary>Buys something.</summary>
        public static class Buying
        {
            /// <summary>Buys something.</summary>
            [Skill("place_order", Version = "3.0.0")]
            public static Task<Bought> BuyAsync(Purchase parameters, SkillContext context, CancellationToken cancellationToken) => Task.FromResult(new Bought(true));

            // What this build's own code can do with an order of the first.
            public static string Describe(byte[] recorded)
            {
                var order = CanonicalBytes.Read<CanonicalHistory.OrderV1>(recorded);
                return FormattableString.Invariant($"{order.Count} x {order.Sku} at {order.Price}, {order.Note?.Text ?? "no note"}, {order.Labels.Count} labels");
            }
        }

        [Canonical(Name = "order", Version = "3")] public sealed partial record Purchase(CanonicalJson What);
        [Canonical] public sealed partial record Bought(bool Done);
        """;

    /// <summary>The third without the method that needs the first in its lock.</summary>
    internal static string ThirdWithoutMemory { get; } = Third[..Third.IndexOf("    // What this", StringComparison.Ordinal)] + Third[Third.IndexOf("}\n\n[Canonical(Name", StringComparison.Ordinal)..];
}
