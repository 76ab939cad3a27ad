//! What happens when nobody does anything: every order still ends.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use baedal_client::Session;
use baedal_client::types::NewAccount;
use baedal_contracts::OrderId;
use baedal_contracts::identity::Role;
use baedal_journeys::{Shop, World};
use jiff::SignedDuration;
use serde_json::Value;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

async fn cooked(world: &World, shop: &Shop, customer: &Session) -> OrderId {
    let order = customer.place("dinner", &shop.one_chicken("sim_approve")).await.expect("an order").order_id;
    shop.owner.accept(order, 15).await.expect("accepted");
    shop.owner.start(order).await.expect("cooking");
    shop.owner.finish(order).await.expect("cooked");
    world.order_is(customer, order, "cooked").await;
    order
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_nobody_pays_for_is_canceled_and_nothing_was_charged() {
    let world = World::start().await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    let placed = customer.place("dinner", &shop.one_chicken("sim_decline")).await.expect("an order");
    assert_eq!(placed.status, "awaiting_payment");
    world.advance(MINUTE * 9);
    assert_eq!(customer.order(placed.order_id).await.expect("the order").status, "awaiting_payment");
    world.advance(MINUTE * 2);
    let view = world.order_is(&customer, placed.order_id, "canceled").await;
    assert_eq!(view["reason"], "payment_expired");
    assert_eq!(view["payment"]["captured_krw"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_passed_while_the_process_was_down_is_met_after_the_start() {
    let mut world = World::start().await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    let unpaid = customer.place("dinner", &shop.one_chicken("sim_decline")).await.expect("an order").order_id;
    let unanswered = customer.place("supper", &shop.one_chicken("sim_approve")).await.expect("an order").order_id;
    world
        .order_until(&customer, unanswered, "a ticket", |view| view["timeline"].to_string().contains("TicketOpened"))
        .await;
    world.stop().await;
    world.advance(MINUTE * 11);
    world.start_again().await;
    assert_eq!(world.order_is(&customer, unpaid, "canceled").await["reason"], "payment_expired");
    assert_eq!(world.order_is(&customer, unanswered, "rejected").await["reason"], "store_timeout");
    world.order_until(&customer, unanswered, "the money back", |view| view["refund"]["status"] == "done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_nobody_claims_is_escalated_and_then_abandoned() {
    let world = World::start().await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    let order = cooked(&world, &shop, &customer).await;
    world
        .until("the delivery", || async {
            let rider = shop.rider(&world).await;
            let nearby = rider.nearby().await.expect("nearby").items;
            nearby.into_iter().find(|delivery| delivery.order_id == order)
        })
        .await;
    world.advance(MINUTE * 16);
    let operator = world.operator().await;
    world
        .until("the escalation", || async {
            let stuck: Value = operator.get("/api/operations/stuck").await.expect("stuck");
            stuck["escalated"].to_string().contains(&order.to_string()).then_some(())
        })
        .await;
    world.advance(MINUTE * 60 * 4);
    let view = world.order_until(&customer, order, "the money back", |view| view["refund"]["status"] == "done").await;
    assert_eq!((view["status"].as_str(), view["reason"].as_str()), (Some("canceled"), Some("abandoned")));
    let nearby = shop.rider(&world).await.nearby().await.expect("nearby").items;
    assert!(nearby.iter().all(|delivery| delivery.order_id != order), "withdrawn");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_nobody_confirms_completes_by_itself() {
    let world = World::start().await;
    let shop = Shop::open(&world).await;
    let rider = shop.rider(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    let order = cooked(&world, &shop, &customer).await;
    rider.claim(order).await.expect("claimed");
    rider.pick_up(order).await.expect("picked up");
    rider.deliver(order).await.expect("delivered");
    world.order_is(&customer, order, "delivered").await;
    world
        .until("order to have heard", || async {
            let trace: Value =
                world.operator().await.get(&format!("/api/operations/orders/{order}/trace")).await.ok()?;
            trace.to_string().contains("\"Delivered\"").then_some(())
        })
        .await;
    world.advance(MINUTE * 61);
    world.order_is(&customer, order, "completed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_and_a_session_goes_on() {
    let world = World::start().await;
    let account =
        NewAccount { role: Role::Customer, name: "김하늘", phone: "010-7777-0001", password: "correct horse" };
    world.client().open_account(&account).await.expect("an account");
    let session = world.client().sign_in("01077770001", "correct horse").await.expect("a session");
    world.advance(MINUTE * 60);
    let me: Value = session.get("/api/me").await.expect("a renewed token");
    assert_eq!(me["phone"], "01077770001");
}
