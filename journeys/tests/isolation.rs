//! A service that stands still holds up nothing but itself: always on the distributed composition.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use baedal_client::Session;
use baedal_client::types::ChangedOrder;
use baedal_contracts::OrderId;
use baedal_contracts::identity::Role;
use baedal_contracts::payment::PaymentMeans;
use baedal_journeys::{Dish, Shop, World, order_of};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// How many orders are placed while something is away.
const ORDERS: usize = 5;

async fn town() -> (World, Shop, Session) {
    let world = World::distributed().await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    // Whatever goes away next, order has heard before that the store is open.
    let declined = shop.one_chicken("sim_decline");
    world.until("the store is known", async || customer.place("known", &declined).await.ok()).await;
    (world, shop, customer)
}

async fn orders(shop: &Shop, customer: &Session, what: &str) -> Vec<OrderId> {
    let mut placed = Vec::new();
    for number in 0..ORDERS {
        let order = customer.place(&format!("{what} {number}"), &shop.one_chicken("sim_approve")).await;
        let order = order.expect("an order");
        assert_eq!(order.status, "paid", "{order:?}");
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
        // What store and delivery tell comes in either order.
        let is_known = |view: &Value| view["status"] == "cooked" && times(view, "CookFinished") > 0;
        let view = world.order_until(&customer, *order, "all of it", is_known).await;
        assert_eq!(times(&view, "CookFinished"), 1, "{view:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_kept_while_payment_is_away_and_paid_for_later() {
    let (mut world, shop, customer) = town().await;
    let paid = orders(&shop, &customer, "before").await[0];
    world.stop_service("payment").await;
    let mut kept = Vec::new();
    for number in 0..ORDERS {
        let order = customer.place(&format!("kept {number}"), &shop.one_chicken("sim_approve")).await.expect("kept");
        assert_eq!(order.status, "awaiting_payment");
        // Nobody was asked, so there is nothing to verify.
        assert_eq!(order.payment.map(|payment| payment.outcome).as_deref(), Some("put_off"));
        assert!(order.pay_by.is_some());
        kept.push(order.order_id);
    }
    let two = order_of(&shop, &[Dish(shop.chicken, 2)], "");
    let change =
        ChangedOrder { items: two.items, deliver_to: two.deliver_to, note: two.note, expected_total_krw: None };
    let changed = customer.change(paid, &change).await.expect("an answer");
    let outcome = changed.payment.map(|payment| payment.outcome);
    assert_eq!((outcome.as_deref(), changed.pending, changed.total_krw.0), (Some("put_off"), None, 21_000));
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

/// The longest life of an order that no rider has.
const ABANDON: SignedDuration = SignedDuration::from_hours(4);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// The order, once its view is as wished.
async fn view_until(
    world: &World,
    watcher: &Session,
    order: OrderId,
    what: &str,
    wished: impl Fn(&Value) -> bool,
) -> Value {
    world
        .eventually(what, async || {
            let view: Value = watcher.get(&format!("/api/orders/{order}")).await.ok()?;
            wished(&view).then_some(view)
        })
        .await
}

/// What an operator is shown as past a deadline: that it waits, and for what.
async fn is_shown_late(world: &World, order: OrderId, waits_for: &str) {
    let operator = world.operator().await;
    world
        .eventually("the operator to see what is put off", async || {
            let late = operator.stuck().await.ok()?.past_deadline;
            late.into_iter().find(|late| late.order_id == order && late.waits_for == waits_for)
        })
        .await;
}

async fn claimed(world: &World, rider: &Session, order: OrderId) {
    world.eventually("a delivery to claim", async || rider.claim(order).await.ok()).await;
}

async fn carried(world: &World, shop: &Shop, rider: &Session, order: OrderId) {
    cook(shop, order).await;
    claimed(world, rider, order).await;
    rider.pick_up(order).await.expect("picked up");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_riders_deliver_while_the_orders_service_is_away_past_four_hours_is_completed_and_not_canceled() {
    let (mut world, shop, customer) = town().await;
    let rider = shop.rider(&world).await;
    let placed = orders(&shop, &customer, "past four hours").await;
    let [delivered @ .., late, waiting, uncooked] = placed.as_slice() else { panic!("{placed:?}") };
    let [fetched_before, fetched_while_away] = delivered else { panic!("{placed:?}") };
    for order in [fetched_before, late] {
        carried(&world, &shop, &rider, *order).await;
    }
    cook(&shop, *fetched_while_away).await;
    claimed(&world, &rider, *fetched_while_away).await;
    cook(&shop, *waiting).await;
    shop.owner.accept(*uncooked, 15).await.expect("accepted");
    for order in [fetched_before, late] {
        world.order_is(&customer, *order, "picked_up").await;
    }

    world.stop_service("order").await;
    rider.pick_up(*fetched_while_away).await.expect("picked up, whoever is away");
    for order in delivered {
        rider.deliver(*order).await.expect("delivered, whoever is away");
    }
    world.advance(ABANDON + MINUTE);
    world.start_service("order").await;

    for (order, fault) in [(waiting, "platform"), (uncooked, "store")] {
        let view = view_until(&world, &customer, *order, "its end", |view| view["refund"]["status"] == "done").await;
        assert_eq!(
            (&view["status"], &view["reason"], &view["fault"]),
            (&"canceled".into(), &"abandoned".into(), &fault.into())
        );
    }
    let operator = world.operator().await;
    world
        .eventually("what is still carried", async || {
            let shown = operator.stuck().await.ok()?.carried_too_long;
            shown.into_iter().find(|stuck| stuck.order_id == *late)
        })
        .await;
    for order in delivered {
        world.eventually("the customer's word", async || customer.confirm(*order).await.ok()).await;
        let view = world.order_is(&customer, *order, "completed").await;
        assert_eq!((times(&view, "OrderCanceled"), &view["refund"]["status"]), (0, &"none".into()), "{view:#}");
    }
    rider.deliver(*late).await.expect("late, and not in vain");
    world.order_is(&customer, *late, "delivered").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_completes_by_itself_though_its_service_was_away_then() {
    let (mut world, shop, customer) = town().await;
    let rider = shop.rider(&world).await;
    let order = orders(&shop, &customer, "nobody confirms").await[0];
    carried(&world, &shop, &rider, order).await;
    rider.deliver(order).await.expect("delivered");
    // That order has heard it: a customer of another order waits for no less.
    world
        .eventually("order to have heard", async || {
            let trace: Value =
                world.operator().await.get(&format!("/api/operations/orders/{order}/trace")).await.ok()?;
            trace.to_string().contains("\"Delivered\"").then_some(())
        })
        .await;
    world.stop_service("order").await;
    world.advance(MINUTE * 62);
    is_shown_late(&world, order, "completion").await;
    world.start_service("order").await;
    world.advance(MINUTE * 62);
    let view = view_until(&world, &customer, order, "its end", |view| view["status"] == "completed").await;
    assert_eq!(times(&view, "OrderCompleted"), 1, "{view:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kitchen_whose_service_was_away_past_its_time_has_two_minutes_to_answer() {
    let (mut world, shop, customer) = town().await;
    let placed = orders(&shop, &customer, "unanswered").await;
    for order in &placed {
        world
            .order_until(&customer, *order, "a ticket", |view| view["timeline"].to_string().contains("TicketOpened"))
            .await;
    }
    world.stop_service("store").await;
    world.advance(MINUTE * 8);
    is_shown_late(&world, placed[0], "kitchen").await;
    let back = world.now();
    world.start_service("store").await;
    let is_extended = |ticket: &Value| {
        let answer_by = ticket["answer_by"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
        answer_by.is_some_and(|at| at >= back + MINUTE * 2)
    };
    world
        .eventually("boards that count on", async || {
            let board: Value = shop.owner.get(&format!("/api/stores/{}/tickets", shop.store_id)).await.ok()?;
            let tickets = board["items"].as_array()?;
            (tickets.len() == ORDERS && tickets.iter().all(is_extended)).then_some(())
        })
        .await;
    shop.owner.accept(placed[0], 15).await.expect("in time");
    world.advance(MINUTE * 3);
    for order in &placed[1..] {
        let view = view_until(&world, &customer, *order, "its end", |view| view["status"] == "rejected").await;
        assert_eq!(view["reason"], "store_timeout");
    }
    assert_eq!(customer.order(placed[0]).await.expect("the order").status, "accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kitchens_time_is_not_over_while_the_orders_service_is_away() {
    let (mut world, shop, customer) = town().await;
    let order = orders(&shop, &customer, "unanswered").await[0];
    world.order_until(&customer, order, "a ticket", |view| view["timeline"].to_string().contains("TicketOpened")).await;
    world.stop_service("order").await;
    world.advance(MINUTE * 8);
    is_shown_late(&world, order, "kitchen").await;
    shop.owner.accept(order, 15).await.expect("as long as nothing is decided it can be answered");
    world.start_service("order").await;
    let view = view_until(&world, &customer, order, "its ticket", |view| view["status"] == "accepted").await;
    assert_eq!(times(&view, "OrderRejected"), 0, "{view:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_payment_is_away_past_the_time_to_pay_nothing_expires_and_then_two_minutes_are_left() {
    let (mut world, shop, customer) = town().await;
    let mut placed = Vec::new();
    for number in 0..2 {
        let order = customer.place(&format!("unpaid {number}"), &shop.one_chicken("sim_decline")).await.expect("kept");
        placed.push(order.order_id);
    }
    let [paid, given_up] = placed.as_slice() else { panic!("{placed:?}") };
    world.stop_service("payment").await;
    world.advance(MINUTE * 12);
    is_shown_late(&world, *given_up, "payment").await;
    assert_eq!(customer.order(*given_up).await.expect("the order").status, "awaiting_payment");
    let back = world.now();
    world.start_service("payment").await;
    for order in &placed {
        view_until(&world, &customer, *order, "time to pay", |view| {
            let pay_by = view["pay_by"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
            pay_by.is_some_and(|at| at >= back + MINUTE * 2)
        })
        .await;
    }
    let card = PaymentMeans { method: "card".to_owned(), token: "sim_approve".to_owned() };
    world
        .eventually("a payment", async || {
            customer.pay(*paid, &card).await.ok().filter(|answer| answer.status == "paid")
        })
        .await;
    world.advance(MINUTE * 3);
    let view = view_until(&world, &customer, *given_up, "its end", |view| view["status"] == "canceled").await;
    assert_eq!((&view["reason"], times(&view, "PaymentWindowExtended") > 0), (&"payment_expired".into(), true));
    assert_eq!(customer.order(*paid).await.expect("the order").status, "paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_riders_service_is_away_past_four_hours_nothing_is_abandoned() {
    let (mut world, shop, customer) = town().await;
    let rider = shop.rider(&world).await;
    let placed = orders(&shop, &customer, "past four hours").await;
    let (brought, waiting) = (placed[0], placed[1]);
    carried(&world, &shop, &rider, brought).await;
    world.order_is(&customer, brought, "picked_up").await;
    cook(&shop, waiting).await;
    world.stop_service("delivery").await;
    world.advance(ABANDON + MINUTE * 2);
    for order in [brought, waiting] {
        is_shown_late(&world, order, "delivery").await;
    }
    assert_eq!(customer.order(brought).await.expect("the order").status, "picked_up");
    assert_eq!(customer.order(waiting).await.expect("the order").status, "cooked");
    world.start_service("delivery").await;
    world.eventually("delivered", async || rider.deliver(brought).await.ok()).await;
    let view = view_until(&world, &customer, waiting, "its end", |view| view["status"] == "canceled").await;
    assert_eq!((&view["reason"], &view["fault"]), (&"abandoned".into(), &"platform".into()));
    world.eventually("the customer's word", async || customer.confirm(brought).await.ok()).await;
    let view = world.order_is(&customer, brought, "completed").await;
    assert_eq!(times(&view, "OrderCanceled"), 0, "{view:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_was_paid_for_happens_though_the_orders_service_was_away_past_the_kitchens_time() {
    let (mut world, shop, customer) = town().await;
    // The provider takes ten seconds for each charge.
    let order = customer.place("changed", &shop.one_chicken("sim_slow")).await.expect("an order").order_id;
    world
        .until("the money", async || {
            world.advance(SignedDuration::from_secs(1));
            customer.order(order).await.ok().filter(|order| order.status == "paid")
        })
        .await;
    world.order_until(&customer, order, "a ticket", |view| view["timeline"].to_string().contains("TicketOpened")).await;
    let wished = shop.one_chicken("sim_slow");
    let mut items = wished.items;
    items[0].quantity = 2;
    let change = ChangedOrder { items, deliver_to: wished.deliver_to, note: wished.note, expected_total_krw: None };
    let answer = customer.change(order, &change).await.expect("asked");
    assert_eq!(answer.pending.as_deref(), Some("change"));
    // The extra is on its way: payment has heard that it is due.
    let operator = world.operator().await;
    world
        .eventually("the extra to be asked for", async || {
            let trace: Value = operator.get(&format!("/api/operations/orders/{order}/trace")).await.ok()?;
            trace.to_string().contains("OrderChangeChargeDue").then_some(())
        })
        .await;
    world.stop_service("order").await;
    let charged = |view: &Value| view["payment"]["captured_krw"] == 39_000;
    view_until(&world, &customer, order, "the extra to be taken", charged).await;
    world.advance(MINUTE);
    shop.owner.accept(order, 15).await.expect("accepted");
    assert!(shop.owner.start(order).await.expect_err("held").is("change_pending"));
    world.start_service("order").await;
    let view = view_until(&world, &customer, order, "the change", |view| view["total_krw"] == 39_000).await;
    assert_eq!((times(&view, "OrderChangeRefused"), &view["refund"]["status"]), (0, &"none".into()), "{view:#}");
    world.eventually("the stove", async || shop.owner.start(order).await.ok()).await;
    let board = shop.owner.tickets(shop.store_id).await.expect("a board").items;
    let ticket = board.into_iter().find(|ticket| ticket.order_id == order).expect("a ticket");
    assert_eq!(ticket.items[0].quantity, 2);
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
