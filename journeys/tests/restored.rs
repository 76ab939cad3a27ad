//! Databases that are put back to an earlier state: either everything that is paid for gets to a kitchen, or whoever
//! does not hear of it says so, and hears of it when a person has said how to go on.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use baedal_client::Session;
use baedal_contracts::OrderId;
use baedal_contracts::identity::Role;
use baedal_contracts::payment::PaymentMeans;
use baedal_journeys::{CONTEXTS, Copies, Shop, World};
use jiff::SignedDuration;
use serde_json::Value;

/// How many orders are placed at a time.
const ORDERS: usize = 4;

async fn town() -> (World, Shop, Session) {
    let world = World::start().await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    (world, shop, customer)
}

/// So many orders, all of them paid.
async fn paid(world: &World, shop: &Shop, customer: &Session, what: &str) -> Vec<OrderId> {
    let card = PaymentMeans { method: "card".to_owned(), token: "sim_approve".to_owned() };
    let mut placed = Vec::new();
    for number in 0..ORDERS {
        let (key, wish) = (format!("{what} {number}"), shop.one_chicken("sim_approve"));
        // Everything has just started, and not all of it at once.
        let order = world.until("an order", async || customer.place(&key, &wish).await.ok()).await;
        if order.status != "paid" {
            let is_paid = async || {
                world.advance(SignedDuration::from_secs(1));
                customer.pay(order.order_id, &card).await.ok().filter(|answer| answer.status == "paid")
            };
            world.until("a payment", is_paid).await;
        }
        placed.push(order.order_id);
    }
    placed
}

/// Each of them can be cooked, and its customer sees it.
async fn all_are_cooked(world: &World, shop: &Shop, customer: &Session, orders: &[OrderId]) {
    for order in orders {
        world.until("a ticket", async || shop.owner.accept(*order, 15).await.ok()).await;
        shop.owner.start(*order).await.expect("cooking");
        shop.owner.finish(*order).await.expect("cooked");
        let view = world.order_is(customer, *order, "cooked").await;
        let timeline = view["timeline"].as_array().expect("a timeline");
        let opened = timeline.iter().filter(|entry| entry.to_string().contains("TicketOpened"));
        assert_eq!(opened.count(), 1, "{view:#}");
    }
}

/// What a context says of its consumers that have stopped.
async fn diverged(world: &World, context: &str) -> Vec<Value> {
    let readiness = world.readiness(&format!("{context}-1")).await.expect("an answer");
    let said = &readiness.said["dependencies"][context];
    let diverged = said["diverged"].as_array().cloned().unwrap_or_default();
    // Who has stopped is not ready, says why, and what to do.
    assert_eq!(diverged.is_empty(), said["wrong"].is_null(), "{:#}", readiness.said);
    assert!(diverged.is_empty() || !readiness.is_ready, "{:#}", readiness.said);
    diverged
}

/// Waits until a context has parted with a source, at all of its replicas that hear anything.
async fn parts(world: &World, context: &str, source: &str) {
    let has_parted = async || {
        let stopped = diverged(world, context).await;
        let remedy = stopped.iter().find(|one| one["source"] == source)?["remedy"].as_str()?.to_owned();
        Some(remedy)
    };
    let remedy = world.until(&format!("{context} parts with {source}"), has_parted).await;
    let command = format!("baedal consumer reset --context {context} --source {source} --after");
    assert!(remedy.contains(&command), "{remedy}");
}

/// Goes on behind what both have in common, wherever one has parted with another.
async fn go_on(world: &World, sources: &[&str]) {
    for source in sources {
        for context in CONTEXTS {
            let done = world.reset(context, source, "divergence").await;
            if let Err(error) = done {
                assert!(error.contains("nothing was changed"), "{context} and {source}: {error}");
            }
        }
    }
}

async fn is_ready(world: &World) {
    if world.is_distributed() {
        for context in CONTEXTS {
            world.until(context, async || diverged(world, context).await.is_empty().then_some(())).await;
            world
                .until(context, async || world.readiness(&format!("{context}-1")).await.filter(|it| it.is_ready))
                .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_order_database_put_back_alone_no_paid_order_is_lost_in_silence() {
    let (mut world, shop, customer) = town().await;
    let kept = paid(&world, &shop, &customer, "kept").await;
    all_are_cooked(&world, &shop, &customer, &kept[..1]).await;
    world.stop().await;
    let copies = world.copy(&["order"]);
    world.start_again().await;
    let lost = paid(&world, &shop, &customer, "lost").await;
    all_are_cooked(&world, &shop, &customer, &lost).await;
    world.stop().await;
    world.put_back(&copies);

    if !world.is_distributed() {
        let refused = world.try_start().await.expect_err("what does not belong together");
        for part in ["not of the same moment", "of store has heard order", "baedal consumer reset --context store"] {
            assert!(refused.contains(part), "{refused}");
        }
        go_on(&world, &["order"]).await;
        world.start_again().await;
    } else {
        world.start_again().await;
    }
    let new = paid(&world, &shop, &customer, "new").await;
    let more = paid(&world, &shop, &customer, "more").await;
    if world.is_distributed() {
        for context in ["store", "tracking", "notification"] {
            parts(&world, context, "order").await;
        }
        let tickets = shop.owner.tickets(shop.store_id).await.map(|page| page.items.len()).unwrap_or_default();
        assert!(tickets <= 3 * ORDERS, "nothing of what is new was heard");
        go_on(&world, &["order"]).await;
    }
    let orders: Vec<_> = kept[1..].iter().chain(&new).chain(&more).copied().collect();
    all_are_cooked(&world, &shop, &customer, &orders).await;
    is_ready(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kitchen_put_back_alone_opens_every_ticket_again() {
    let (mut world, shop, customer) = town().await;
    let kept = paid(&world, &shop, &customer, "kept").await;
    world.until("a ticket", async || shop.owner.accept(kept[0], 15).await.ok()).await;
    world.stop().await;
    let copies = world.copy(&["store"]);
    world.start_again().await;
    let paid_meanwhile = paid(&world, &shop, &customer, "meanwhile").await;
    for order in &paid_meanwhile {
        world.until("a ticket", async || shop.owner.accept(*order, 15).await.ok()).await;
    }
    world.stop().await;
    world.put_back(&copies);
    if !world.is_distributed() {
        let refused = world.try_start().await.expect_err("what does not belong together");
        assert!(refused.contains("of tracking has heard store"), "{refused}");
        go_on(&world, &["store"]).await;
    }
    world.start_again().await;
    if world.is_distributed() {
        for context in ["tracking", "notification"] {
            parts(&world, context, "store").await;
        }
        go_on(&world, &["store"]).await;
    }
    // Nobody has told the kitchen again; it has heard it again.
    for order in &paid_meanwhile {
        world.until("the same ticket", async || shop.owner.accept(*order, 20).await.ok()).await;
        shop.owner.start(*order).await.expect("cooking");
        shop.owner.finish(*order).await.expect("cooked");
    }
    let new = paid(&world, &shop, &customer, "new").await;
    all_are_cooked(&world, &shop, &customer, &new).await;
    is_ready(&world).await;
}

/// All databases go back to one moment, and the broker does or does not know it.
async fn all_put_back(wipe: bool) {
    let (mut world, shop, customer) = town().await;
    let kept = paid(&world, &shop, &customer, "kept").await;
    world.until("a ticket", async || shop.owner.accept(kept[0], 15).await.ok()).await;
    world.stop().await;
    let copies: Copies = world.copy(&CONTEXTS);
    world.start_again().await;
    let lost = paid(&world, &shop, &customer, "lost").await;
    all_are_cooked(&world, &shop, &customer, &lost).await;
    world.stop().await;
    world.put_back(&copies);
    if wipe {
        world.wipe_broker();
    }
    // Nobody is asked: all of it belongs together.
    world.start_again().await;
    let orders = [paid(&world, &shop, &customer, "new").await, paid(&world, &shop, &customer, "more").await].concat();
    all_are_cooked(&world, &shop, &customer, &orders).await;
    all_are_cooked(&world, &shop, &customer, &kept[1..]).await;
    is_ready(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_databases_put_back_to_one_moment_go_on_whatever_the_broker_has_kept() {
    all_put_back(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_databases_put_back_to_one_moment_go_on_with_nothing_at_the_broker() {
    all_put_back(true).await;
}
