//! A service that stands still holds up nothing but itself: always on the distributed composition.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use baedal_client::Session;
use baedal_contracts::OrderId;
use baedal_contracts::identity::Role;
use baedal_contracts::payment::PaymentMeans;
use baedal_journeys::{Shop, World};
use jiff::SignedDuration;
use serde_json::Value;

/// How many orders are placed while something is away.
const ORDERS: usize = 5;

async fn town() -> (World, Shop, Session) {
    let world = World::distributed().await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    (world, shop, customer)
}

async fn orders(shop: &Shop, customer: &Session, what: &str) -> Vec<OrderId> {
    let mut placed = Vec::new();
    for number in 0..ORDERS {
        let order = customer.place(&format!("{what} {number}"), &shop.one_chicken("sim_approve")).await;
        let order = order.expect("an order");
        assert_eq!(order.status, "paid");
        placed.push(order.order_id);
    }
    placed
}

/// How often something happened to an order, as its view tells.
fn times(view: &Value, event: &str) -> usize {
    let timeline = view["timeline"].as_array().expect("a timeline");
    timeline.iter().filter(|entry| entry.to_string().contains(event)).count()
}

async fn cook(shop: &Shop, order: OrderId) {
    shop.owner.accept(order, 15).await.expect("accepted");
    shop.owner.start(order).await.expect("cooking");
    shop.owner.finish(order).await.expect("cooked");
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_taken_while_the_stores_are_away_and_every_ticket_is_there_once() {
    let (mut world, shop, customer) = town().await;
    world.stop_service("store").await;
    let placed = orders(&shop, &customer, "while away").await;
    world.start_service("store").await;
    for order in &placed {
        let view = world
            .order_until(&customer, *order, "a ticket", |view| view["timeline"].to_string().contains("TicketOpened"))
            .await;
        assert_eq!(times(&view, "TicketOpened"), 1, "{view:#}");
        cook(&shop, *order).await;
    }
    let board = shop.owner.tickets(shop.store_id).await.expect("a board").items;
    assert_eq!(board.len(), ORDERS);
}

#[tokio::test(flavor = "multi_thread")]
async fn kitchens_cook_while_the_riders_service_is_away() {
    let (mut world, shop, customer) = town().await;
    let rider = shop.rider(&world).await;
    world.stop_service("delivery").await;
    let placed = orders(&shop, &customer, "while away").await;
    for order in &placed {
        cook(&shop, *order).await;
        world.order_is(&customer, *order, "cooked").await;
    }
    world.start_service("delivery").await;
    let order = placed[0];
    let claimed = world.until("a delivery to claim", async || rider.claim(order).await.ok()).await;
    assert_eq!(claimed.order_id, order);
    rider.pick_up(order).await.expect("picked up");
    rider.deliver(order).await.expect("delivered");
    world.order_is(&customer, order, "delivered").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_notices_and_each_comes_once_when_they_can_be_sent_again() {
    let (mut world, shop, customer) = town().await;
    world.stop_service("notification").await;
    let order = orders(&shop, &customer, "while away").await[0];
    cook(&shop, order).await;
    world.order_is(&customer, order, "cooked").await;
    world.start_service("notification").await;
    // Paid, accepted, cooking, cooked for the first; paid for the others.
    let told = world
        .until("every notice", async || {
            world.advance(SignedDuration::from_millis(100));
            let notices = customer.notices().await.expect("notices").items;
            (notices.len() >= 3 + ORDERS).then_some(notices)
        })
        .await;
    let mut seen: Vec<_> = told.iter().map(|notice| (notice.order_id, notice.template.clone())).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), told.len(), "a notice came twice: {told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn views_that_were_away_know_everything_afterwards() {
    let (mut world, shop, customer) = town().await;
    world.stop_service("tracking").await;
    let placed = orders(&shop, &customer, "while away").await;
    for order in &placed {
        cook(&shop, *order).await;
    }
    let refused = customer.order(placed[0]).await.expect_err("nobody to ask");
    assert!(refused.to_string().contains("503") || format!("{refused:?}").contains("unavailable"), "{refused:?}");
    world.start_service("tracking").await;
    for order in &placed {
        let view = world.order_is(&customer, *order, "cooked").await;
        assert_eq!(times(&view, "CookFinished"), 1, "{view:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_kept_while_payment_is_away_and_paid_for_later() {
    let (mut world, shop, customer) = town().await;
    world.stop_service("payment").await;
    let mut kept = Vec::new();
    for number in 0..ORDERS {
        let order = customer.place(&format!("kept {number}"), &shop.one_chicken("sim_approve")).await.expect("kept");
        assert_eq!(order.status, "awaiting_payment");
        kept.push(order.order_id);
    }
    world.start_service("payment").await;
    let card = PaymentMeans { method: "card".to_owned(), token: "sim_approve".to_owned() };
    for order in kept {
        // The breaker lets somebody through again when its time is over.
        let paid = async || {
            world.advance(SignedDuration::from_secs(1));
            customer.pay(order, &card).await.ok().filter(|answer| answer.status == "paid")
        };
        world.until("a payment", paid).await;
        shop.owner.accept(order, 15).await.expect("accepted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_or_lost_everything_costs_no_event() {
    let (mut world, shop, customer) = town().await;
    let before = orders(&shop, &customer, "before").await;
    world.broker().stop().expect("a stopped broker");
    let during = orders(&shop, &customer, "during").await;
    for order in before.iter().chain(&during) {
        world.until("a ticket, by way of the journals", async || shop.owner.accept(*order, 15).await.ok()).await;
    }
    world.broker().delete_data().expect("no data");
    world.broker().start_again().expect("a broker");
    let after = orders(&shop, &customer, "after").await;
    for order in before.iter().chain(&during).chain(&after) {
        if after.contains(order) {
            world.until("a ticket", async || shop.owner.accept(*order, 15).await.ok()).await;
        }
        let view = world.order_is(&customer, *order, "accepted").await;
        assert_eq!((times(&view, "TicketOpened"), times(&view, "TicketAccepted")), (1, 1), "{view:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_stream_goes_on_at_another_replica() {
    let (mut world, shop, customer) = town().await;
    let order = orders(&shop, &customer, "live").await[0];
    let path = format!("/api/orders/{order}/live");
    world.order_until(&customer, order, "a ticket", |view| view["timeline"].to_string().contains("TicketOpened")).await;
    let mut live = customer.live(&path, None).await.expect("a stream");
    let first = live.next().await.expect("a frame").expect("the view now");
    // Whichever of them serves the stream, it is stopped while the other goes on.
    for replica in ["tracking-1", "tracking-2"] {
        world.stop_service(replica).await;
        world.start_service(replica).await;
    }
    while let Ok(Some(frame)) = live.next().await {
        assert_eq!(frame.event, "reconnect", "the stream says goodbye");
    }
    let mut live = customer.live(&path, Some(&first.id)).await.expect("the stream again");
    shop.owner.accept(order, 15).await.expect("accepted");
    let next = live.next().await.expect("a frame").expect("the change alone");
    assert_eq!(next.read::<Value>().expect("a view")["status"], "accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_signed_in_orders_while_identity_is_away() {
    let (mut world, shop, customer) = town().await;
    world.stop_service("identity").await;
    for order in orders(&shop, &customer, "while away").await {
        cook(&shop, order).await;
        world.order_is(&customer, order, "cooked").await;
    }
    // So the gateway goes on being sent requests, as Kubernetes does it.
    let gateway = world.readiness("gateway").await.expect("a gateway");
    assert!(gateway.is_ready, "it has the keys: {:#}", gateway.said);
    assert_eq!(gateway.said["dependencies"]["identity"]["ready"], false, "{:#}", gateway.said);
    let nobody = world.client().sign_in("01010000000", "correct horse").await;
    assert!(nobody.is_err(), "signing in needs identity");
    world.start_service("identity").await;
    world.somebody(Role::Customer, "박바다").await;
}
