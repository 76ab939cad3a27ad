//! What happens when nobody does anything: every order still ends.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use baedal_client::Session;
use baedal_client::types::{NewAccount, TakeClaimBack};
use baedal_contracts::OrderId;
use baedal_contracts::identity::Role;
use baedal_contracts::payment::PaymentMeans;
use baedal_journeys::{Shop, World};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

async fn cooked(world: &World, shop: &Shop, customer: &Session) -> OrderId {
    cooked_as("dinner", world, shop, customer).await
}

async fn cooked_as(key: &str, world: &World, shop: &Shop, customer: &Session) -> OrderId {
    let order = customer.place(key, &shop.one_chicken("sim_approve")).await.expect("an order").order_id;
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
async fn after_everything_was_down_there_are_two_minutes_to_pay_and_to_answer_and_then_it_ends() {
    let mut world = World::start().await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    let place = async |name: &str, token: &str| {
        customer.place(name, &shop.one_chicken(token)).await.expect("an order").order_id
    };
    let (unpaid, paid) = (place("dinner", "sim_decline").await, place("lunch", "sim_decline").await);
    let (unanswered, answered) = (place("supper", "sim_approve").await, place("snack", "sim_approve").await);
    for order in [unanswered, answered] {
        world
            .order_until(&customer, order, "a ticket", |view| view["timeline"].to_string().contains("TicketOpened"))
            .await;
    }
    world.stop().await;
    world.advance(MINUTE * 11);
    let back = world.now();
    world.start_again().await;
    let enough = |until: &Value| {
        until.as_str().and_then(|until| until.parse().ok()).is_some_and(|until: Timestamp| until >= back + MINUTE * 2)
    };
    for order in [unpaid, paid] {
        world
            .eventually("time to pay", async || {
                let view: Value = customer.get(&format!("/api/orders/{order}")).await.ok()?;
                enough(&view["pay_by"]).then_some(())
            })
            .await;
    }
    world
        .eventually("time to answer", async || {
            let board: Value = shop.owner.get(&format!("/api/stores/{}/tickets", shop.store_id)).await.ok()?;
            let tickets = board["items"].as_array()?;
            (tickets.len() == 2 && tickets.iter().all(|ticket| enough(&ticket["answer_by"]))).then_some(())
        })
        .await;
    let card = PaymentMeans { method: "card".to_owned(), token: "sim_approve".to_owned() };
    assert_eq!(customer.pay(paid, &card).await.expect("time to pay").status, "paid");
    shop.owner.accept(answered, 15).await.expect("time to answer");

    world.advance(MINUTE * 3);
    world.order_is(&customer, paid, "paid").await;
    world.order_is(&customer, answered, "accepted").await;
    assert_eq!(world.order_is(&customer, unpaid, "canceled").await["reason"], "payment_expired");
    assert_eq!(world.order_is(&customer, unanswered, "rejected").await["reason"], "store_timeout");
    world.order_until(&customer, unanswered, "the money back", |view| view["refund"]["status"] == "done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rider_who_does_not_fetch_it_is_told_and_an_operator_gives_it_to_others() {
    let world = World::start().await;
    let shop = Shop::open(&world).await;
    let (rider, other) = (shop.rider(&world).await, shop.rider(&world).await);
    let customer = world.somebody(Role::Customer, "김하늘").await;
    let operator = world.operator().await;
    let order = cooked(&world, &shop, &customer).await;
    world.until("the delivery", async || rider.claim(order).await.ok()).await;
    world.advance(MINUTE * 21);
    let overdue = world
        .until("the operator to see it", async || {
            let stuck = operator.stuck().await.ok()?;
            stuck.pickup_overdue.into_iter().find(|stuck| stuck.order_id == order)
        })
        .await;
    let told = async |rider: &Session, template: &str| {
        let has_it = async || {
            let notices = rider.notices().await.ok()?.items;
            notices.into_iter().any(|notice| notice.template == template).then_some(())
        };
        world.until(template, has_it).await;
    };
    told(&rider, "pickup_overdue").await;
    let from = TakeClaimBack { rider_id: overdue.rider_id.expect("a rider"), reason: "연락 두절".to_owned() };
    assert!(other.take_claim_back(order, &from).await.is_err(), "no rider takes a claim from another");
    // He looks at his phone, so that he is told.
    other.nearby().await.expect("nearby");
    operator.take_claim_back(order, &from).await.expect("taken back");
    told(&rider, "claim_taken_back").await;
    told(&other, "delivery_reopened").await;
    assert!(rider.pick_up(order).await.is_err(), "it is his no more");
    other.claim(order).await.expect("claimed");
    operator.take_claim_back(order, &from).await.expect("asked again it takes nothing from anybody else");
    other.pick_up(order).await.expect("picked up");
    other.deliver(order).await.expect("delivered");
    world.order_is(&customer, order, "delivered").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rider_carries_too_long_is_shown_to_the_operator_before_it_ends() {
    let world = World::start().await;
    let shop = Shop::open(&world).await;
    let rider = shop.rider(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    let operator = world.operator().await;
    let mut carried = Vec::new();
    for key in ["first", "second"] {
        let order = cooked_as(key, &world, &shop, &customer).await;
        world.until("the delivery", async || rider.claim(order).await.ok()).await;
        rider.pick_up(order).await.expect("picked up");
        carried.push(order);
    }
    world.advance(MINUTE * 60 * 4);
    world
        .until("the operator to see them", async || {
            let shown = operator.stuck().await.ok()?.carried_too_long;
            carried.iter().all(|order| shown.iter().any(|stuck| stuck.order_id == *order)).then_some(())
        })
        .await;
    rider.deliver(carried[0]).await.expect("late is better than never");
    world.order_is(&customer, carried[0], "delivered").await;
    world.order_is(&customer, carried[1], "picked_up").await;
    world.advance(MINUTE * 60 * 2);
    let view =
        world.order_until(&customer, carried[1], "the money back", |view| view["refund"]["status"] == "done").await;
    assert_eq!(
        (view["status"].as_str(), view["reason"].as_str(), view["fault"].as_str()),
        (Some("canceled"), Some("abandoned"), Some("rider"))
    );
    world.until("the customer's word", async || customer.confirm(carried[0]).await.ok()).await;
    world.order_is(&customer, carried[0], "completed").await;
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
    // What order and payment tell comes in either order.
    let is_over = |view: &Value| view["refund"]["status"] == "done" && view["status"] == "canceled";
    let view = world.order_until(&customer, order, "the end, and the money back", is_over).await;
    assert_eq!((&view["reason"], &view["fault"]), (&"abandoned".into(), &"platform".into()), "no rider came");
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
