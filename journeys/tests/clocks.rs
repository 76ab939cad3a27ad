//! Clocks that differ, and clocks that are set: an order goes its way, and its money with it.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use baedal_client::Session;
use baedal_client::types::ChangedOrder;
use baedal_contracts::OrderId;
use baedal_contracts::identity::Role;
use baedal_journeys::{Dish, Shop, World, order_of};
use jiff::SignedDuration;
use serde_json::Value;

/// How many orders go their way: which replica does what is a matter of their ids.
const ORDERS: usize = 6;
/// By how much the clocks differ.
const APART: SignedDuration = SignedDuration::from_mins(5);
/// How far identity's are: a code that was sent to a phone is good for three minutes by the clock of whoever is asked.
const IDENTITYS_APART: SignedDuration = SignedDuration::from_mins(1);

/// The second replica of each context is ahead.
fn second_ahead(name: &str) -> SignedDuration {
    match name {
        "identity-2" => IDENTITYS_APART,
        name if name.ends_with("-2") => APART,
        _ => SignedDuration::ZERO,
    }
}

/// Changes an order until the platform has said yes or no, and it is as wished.
async fn change(world: &World, shop: &Shop, customer: &Session, order: OrderId, dishes: &[Dish], total_krw: u64) {
    let wanted = order_of(shop, dishes, "");
    let changed = ChangedOrder {
        items: wanted.items,
        deliver_to: wanted.deliver_to,
        note: wanted.note,
        expected_total_krw: None,
    };
    customer.change(order, &changed).await.expect("a change");
    let is_changed = |view: &Value| view["pending"].is_null() && view["total_krw"] == total_krw;
    world.order_until(customer, order, "the change", is_changed).await;
}

/// What the platform has taken for an order, and what it has given back.
fn money(view: &Value) -> (Option<u64>, Option<u64>) {
    (view["payment"]["captured_krw"].as_u64(), view["payment"]["refunded_krw"].as_u64())
}

/// Waits until so much is taken and so much given back.
async fn money_is(world: &World, customer: &Session, order: OrderId, taken: u64, given_back: u64) {
    let what = format!("{taken} taken and {given_back} given back");
    world.order_until(customer, order, &what, |view| money(view) == (Some(taken), Some(given_back))).await;
}

/// An order that is changed to cost more and then less, cooked, brought and confirmed.
async fn a_whole_order(world: &World, shop: &Shop, customer: &Session, key: &str, between: &dyn Fn()) {
    let rider = shop.rider(world).await;
    let placed = customer.place(key, &shop.one_chicken("sim_approve")).await.expect("an order");
    let order = placed.order_id;
    world.order_is(customer, order, "paid").await;
    between();
    change(world, shop, customer, order, &[Dish(shop.chicken, 2)], 39_000).await;
    money_is(world, customer, order, 39_000, 0).await;
    between();
    change(world, shop, customer, order, &[Dish(shop.chicken, 1), Dish(shop.cola, 1)], 23_000).await;
    money_is(world, customer, order, 39_000, 16_000).await;
    between();
    shop.owner.accept(order, 15).await.expect("accepted");
    shop.owner.start(order).await.expect("cooking");
    between();
    shop.owner.finish(order).await.expect("cooked");
    rider.claim(order).await.expect("claimed");
    rider.pick_up(order).await.expect("picked up");
    between();
    rider.deliver(order).await.expect("delivered");
    customer.confirm(order).await.expect("confirmed");
    let view = world.order_is(customer, order, "completed").await;
    assert_eq!(money(&view), (Some(39_000), Some(16_000)));
    assert_eq!(view["total_krw"], 23_000);
}

/// An order that is changed to cost less and then canceled: all of it goes back.
async fn a_canceled_order(world: &World, shop: &Shop, customer: &Session, key: &str) {
    let dear = order_of(shop, &[Dish(shop.chicken, 2)], "sim_approve");
    let order = customer.place(key, &dear).await.expect("an order").order_id;
    world.order_is(customer, order, "paid").await;
    change(world, shop, customer, order, &[Dish(shop.chicken, 1)], 21_000).await;
    money_is(world, customer, order, 39_000, 18_000).await;
    customer.cancel(order, "마음이 바뀌었어요").await.expect("canceled");
    world.order_is(customer, order, "canceled").await;
    money_is(world, customer, order, 39_000, 39_000).await;
}

async fn orders_with_clocks_apart(ahead: &dyn Fn(&str) -> SignedDuration) {
    let world = World::start_with_clocks_apart(ahead).await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    for number in 0..ORDERS {
        a_whole_order(&world, &shop, &customer, &format!("whole {number}"), &|| {}).await;
        a_canceled_order(&world, &shop, &customer, &format!("canceled {number}")).await;
    }
    let operator = world.operator().await;
    let letters: Value = operator.get("/api/operations/dead-letters").await.expect("dead letters");
    assert_eq!(letters["items"].as_array().map(Vec::len), Some(0), "{letters}");
    let mine = baedal_journeys::everything_of(&customer, "/api/orders").await;
    assert_eq!(mine.len(), 2 * ORDERS, "every order is on a page, once");
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_whose_clocks_differ_by_five_minutes_bring_orders_to_their_end() {
    orders_with_clocks_apart(&second_ahead).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contexts_and_replicas_with_clocks_behind_and_ahead_bring_orders_to_their_end() {
    orders_with_clocks_apart(&|name| match name {
        "order-1" | "payment-2" | "store-1" => APART,
        "store-2" | "delivery-1" | "tracking-2" => -APART,
        "identity-2" => -IDENTITYS_APART,
        _ => SignedDuration::ZERO,
    })
    .await;
}

/// Commands about an order go to the replica that hears its shard; so that another one takes over, the first is away.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_later_counts_though_another_replica_says_it_whose_clock_is_behind() {
    let mut world = World::start_with_clocks_apart(&second_ahead).await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    for (first, second) in [("order-1", "order-2"), ("order-2", "order-1")] {
        world.stop_service(second).await;
        let placed = customer.place(first, &shop.one_chicken("sim_approve")).await.expect("an order");
        let order = placed.order_id;
        world.order_is(&customer, order, "paid").await;
        change(&world, &shop, &customer, order, &[Dish(shop.chicken, 2)], 39_000).await;
        money_is(&world, &customer, order, 39_000, 0).await;
        world.start_service(second).await;
        world.stop_service(first).await;
        change(&world, &shop, &customer, order, &[Dish(shop.chicken, 1), Dish(shop.cola, 1)], 23_000).await;
        money_is(&world, &customer, order, 39_000, 16_000).await;
        customer.cancel(order, "").await.expect("canceled");
        money_is(&world, &customer, order, 39_000, 39_000).await;
        world.start_service(first).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_by_hours_in_the_middle_of_an_order_changes_nothing() {
    let world = World::start().await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    let set_back = || world.clock.step(SignedDuration::from_hours(-2));
    a_whole_order(&world, &shop, &customer, "one", &set_back).await;
    a_whole_order(&world, &shop, &customer, "two", &|| {}).await;
}
