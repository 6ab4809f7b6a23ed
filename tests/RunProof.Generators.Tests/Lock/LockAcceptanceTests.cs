namespace RunProof.Generators.Tests.Lock;

/// <summary>Taking a build's shapes into its lock: what code fixes and <c>runproof canonical lock</c> do.</summary>
public sealed class LockAcceptanceTests
{
    private static readonly LockRecord Item = LockTextTests.Item;
    private static readonly LockRecord Order = LockTextTests.Order;
    private static readonly LockSkill Skill = LockTextTests.Ordering;
    private static readonly LockRecord OtherItem = LockRecord.Of("order_item", "1", [new("SKU", "Sku", LockType.Leaf("guid"))]);
    private static readonly LockRecord OtherOrder = LockRecord.Of("order", "1", [new("items", "Items", LockType.List(LockType.Of(new LockReference(OtherItem.Label, OtherItem.Fingerprint))))]);

    [Fact]
    public void What_is_not_in_the_lock_is_added() => Becomes(LockFile.Of([Item, Order], [Skill]), LockFile.Empty, [Order, Item], [Skill]);

    [Fact]
    public void What_is_in_the_lock_stays_though_the_build_has_it_no_more() =>
        Becomes(LockFile.Of([Item, Order], [Skill]), LockFile.Of([Item, Order], [Skill]), [], []);

    [Fact]
    public void A_property_that_is_called_otherwise_is_called_so_in_the_lock()
    {
        var renamed = LockRecord.Of("order_item", "1", [new("SKU", "Article", LockType.Leaf("text")), new("count", "Count", LockType.Leaf("int32"))]);
        Becomes(LockFile.Of([renamed], []), LockFile.Of([Item], []), [renamed], []);
    }

    [Fact]
    public void Another_shape_is_refused() => IsRefused(
        LockFile.Of([Item], []), [OtherItem], [], [],
        "record order_item/1 has another shape than the lock's: Sku: its type was text and is guid; Count: \"count\" of type int32 is gone. "
        + "Give it another Version, or, where order_item/1 never shipped, accept it: runproof canonical lock --never-shipped order_item/1");

    [Fact]
    public void Another_shape_of_what_never_shipped_is_taken() => Becomes(LockFile.Of([OtherItem], []), LockFile.Of([Item], []), [OtherItem], [], "order_item/1");

    [Fact]
    public void What_never_shipped_and_is_no_more_leaves_the_lock() => Becomes(LockFile.Of([Item], []), LockFile.Of([Item, Order], []), [Item], [], "order/1");

    [Fact]
    public void A_label_that_the_lock_does_not_have_is_named() => IsRefused(LockFile.Of([Item], []), [Item], [], ["order/7"], "order/7 is not in the lock, so there is nothing to take back");

    [Fact]
    public void A_skill_of_other_records_is_refused() => IsRefused(
        LockFile.Of([Item, Order], [Skill]), [Item, Order], [LockSkill.Of("shop/order", "1.0.0", Item.Fingerprint, Item.Fingerprint)], [],
        "skill shop/order/1.0.0 takes or returns another record than in the lock. Give it another Version, or, where shop/order/1.0.0 never shipped, accept it: runproof canonical lock --never-shipped shop/order/1.0.0");

    [Fact]
    public void A_held_record_takes_the_outer_one_along() =>
        Becomes(LockFile.Of([OtherItem, OtherOrder], []), LockFile.Of([Item, Order], []), [OtherItem, OtherOrder], [], "order_item/1", "order/1");

    [Fact]
    public void A_held_record_of_what_has_shipped_has_shipped() => IsRefused(
        LockFile.Of([Item, Order], []), [OtherItem], [], ["order_item/1"],
        "record order/1 is in the lock and holds record order_item/1 in a shape that would leave it: where order/1 has shipped, so has that shape");

    [Fact]
    public void A_record_of_a_skill_that_has_shipped_has_shipped() => IsRefused(
        LockFile.Of([Item], [LockSkill.Of("s", "1", Item.Fingerprint, Item.Fingerprint)]), [OtherItem], [], ["order_item/1"],
        "skill s/1 is in the lock and takes or returns a record in a shape that would leave it: where s/1 has shipped, so has that shape");

    private static void Becomes(LockFile expected, LockFile file, LockRecord[] records, LockSkill[] skills, params string[] neverShipped)
    {
        var accepted = LockAcceptance.Of(file, records, skills, neverShipped);
        Assert.Empty(accepted.Problems);
        Assert.Equal(expected, accepted.File);
    }

    private static void IsRefused(LockFile file, LockRecord[] records, LockSkill[] skills, string[] neverShipped, params string[] problems)
    {
        var accepted = LockAcceptance.Of(file, records, skills, neverShipped);
        Assert.Equal(problems, accepted.Problems);
        Assert.Null(accepted.File);
    }
}
