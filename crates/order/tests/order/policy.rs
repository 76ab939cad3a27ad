//! What others tell, each of it twice and in odd orders, and what order tells of it.

use baedal_contracts::order::{ChangeRefusal, Event as OrderTells, OrderStore};
use baedal_contracts::store::RejectReason;
use baedal_contracts::{ChangeId, OrderId, OrderNo, Place, Won, delivery, payment, source, store};
use baedal_kit::scenario::NOON;
use baedal_kit::{Envelope, Origin};
use baedal_order::domain::{Command, Food, Order, OrderStatus, Pending};

use crate::given::*;
use crate::world::{LIMIT, World};

/// A world with the one order in it, as these commands leave it.
async fn world_with(commands: impl IntoIterator<Item = Command>) -> World {
    let world = World::begin_without_stores().await;
    for command in [place()].into_iter().chain(commands) {
        world.service.command::<Order>(&Origin::none(), &ORDER, command).await.unwrap();
    }
    world
}

/// What one of the others tells.
enum Tale {
    Payment(payment::Event),
    Store(store::Event),
    Delivery(delivery::Event),
}

/// Tells each of them twice, waits until all of it has been heard, and gives back what happened since.
async fn after_hearing(world: &World, tales: impl IntoIterator<Item = Tale>) -> Vec<&'static str> {
    let before = world.history(ORDER).await.len();
    for tale in tales {
        for _ in 0..2 {
            match &tale {
                Tale::Payment(event) => world.tell_payment(event).await,
                Tale::Store(event) => world.tell_store(event).await,
                Tale::Delivery(event) => world.tell_delivery(event).await,
            }
        }
        heard_all(world).await;
    }
    world.history(ORDER).await[before..].iter().map(Into::into).collect()
}

async fn heard_all(world: &World) {
    let bus = world.service.bus();
    let heads = [source::PAYMENT, source::STORE, source::DELIVERY]
        .map(|source| (source.to_owned(), *bus.head(source).borrow()))
        .into();
    assert!(world.service.reached("order_policy", &heads, LIMIT).await);
    let database = world.service.database();
    assert!(database.dead_letters(None, 1).await.unwrap().is_empty());
    assert!(database.next_due().await.unwrap().is_none_or(|due| due > world.service.clock().now()), "set aside");
}

fn approved(amount: u64) -> Tale {
    let amount_krw = Won(amount);
    Tale::Payment(payment::Event::PaymentApproved { order_id: ORDER, attempt_id: attempt(1), amount_krw })
}

fn payment_declined(number: u128) -> Tale {
    let reason = "insufficient_funds".to_owned();
    let (order_id, attempt_id) = (ORDER, attempt(number));
    Tale::Payment(payment::Event::PaymentDeclined { order_id, attempt_id, reason, failed: false })
}

fn payment_failed(number: u128) -> Tale {
    let (order_id, attempt_id, reason) = (ORDER, attempt(number), "provider_error".to_owned());
    Tale::Payment(payment::Event::PaymentDeclined { order_id, attempt_id, reason, failed: true })
}

fn adjusted(change_id: ChangeId) -> Tale {
    Tale::Payment(payment::Event::PaymentAdjusted { order_id: ORDER, change_id, extra_krw: Won(18_500) })
}

fn adjustment_declined(change_id: ChangeId) -> Tale {
    let reason = "limit".to_owned();
    Tale::Payment(payment::Event::PaymentAdjustmentDeclined { order_id: ORDER, change_id, reason, failed: false })
}

fn reserved(change_id: ChangeId) -> Tale {
    let until = pay_by();
    Tale::Store(store::Event::TicketChangeReserved { order_id: ORDER, change_id, until })
}

fn ticket_changed(change_id: ChangeId) -> Tale {
    let basket = basket(1);
    Tale::Store(store::Event::TicketChanged {
        order_id: ORDER,
        store_id: STORE,
        change_id,
        items: basket.items,
        deliver_to: basket.deliver_to,
        note: basket.note,
    })
}

fn ticket_change_refused(change_id: ChangeId, reason: ChangeRefusal) -> Tale {
    Tale::Store(store::Event::TicketChangeRefused { order_id: ORDER, change_id, reason })
}

fn ticket_rejected() -> Tale {
    let (reason, text) = (RejectReason::OutOfStock, String::new());
    Tale::Store(store::Event::TicketRejected { order_id: ORDER, store_id: STORE, reason, text })
}

fn ticket_canceled() -> Tale {
    Tale::Store(store::Event::TicketCanceled { order_id: ORDER, store_id: STORE })
}

fn cancel_refused() -> Tale {
    Tale::Store(store::Event::TicketCancelRefused { order_id: ORDER })
}

fn brought() -> Tale {
    Tale::Delivery(delivery::Event::Delivered { order_id: ORDER, rider_id: STRANGER })
}

fn cooked() -> Tale {
    let basket = basket(2);
    let OrderStore { name, address, location, .. } = order_store();
    Tale::Store(store::Event::CookFinished {
        order_id: ORDER,
        order_no: OrderNo::of(ORDER),
        store_id: STORE,
        store_name: name,
        pickup: Place { address, location },
        deliver_to: basket.deliver_to,
        note: basket.note,
        customer_id: CUSTOMER,
        summary: String::new(),
    })
}

fn not_fetched() -> Tale {
    let (order_id, rider_id) = (ORDER, STRANGER);
    Tale::Delivery(delivery::Event::PickupOverdue { order_id, rider_id, claimed_at: NOON })
}

fn given_back() -> Tale {
    let (order_id, rider_id) = (ORDER, STRANGER);
    Tale::Delivery(delivery::Event::ClaimReleased { order_id, rider_id, riders: vec![], taken_back: None })
}

fn fetched() -> Tale {
    Tale::Delivery(delivery::Event::PickedUp { order_id: ORDER, rider_id: STRANGER })
}

fn paid_for_two() -> Command {
    approve(&basket(2))
}

#[tokio::test]
async fn an_approval_pays_for_the_order() {
    let world = world_with([]).await;
    assert_eq!(after_hearing(&world, [approved(40_000)]).await, ["OrderPaid"]);
}

#[tokio::test]
async fn an_approval_after_the_order_ended_is_payments_to_give_back() {
    let world = world_with([cancel()]).await;
    assert!(after_hearing(&world, [approved(40_000)]).await.is_empty());
}

#[tokio::test]
async fn a_decline_clears_the_attempt_it_was_about() {
    let world = world_with([]).await;
    assert_eq!(after_hearing(&world, [payment_declined(1)]).await, ["PaymentDeclined"]);
    world
        .service
        .command::<Order>(&Origin::none(), &ORDER, Command::Pay { attempt_id: attempt(2), at_most: 10 })
        .await
        .unwrap();
    assert!(after_hearing(&world, [payment_declined(1)]).await.is_empty());
    assert_eq!(after_hearing(&world, [approved(40_000), payment_declined(2)]).await, ["OrderPaid"]);
}

#[tokio::test]
async fn that_the_provider_failed_puts_the_payment_off_whether_the_answer_or_the_event_comes_first() {
    let world = world_with([]).await;
    assert_eq!(after_hearing(&world, [payment_failed(1)]).await, ["PaymentPutOff"]);
    let answered = Command::PutOff { attempt_id: attempt(1), answered: true };
    let done = world.service.command::<Order>(&Origin::none(), &ORDER, answered).await.unwrap();
    assert!(done.events.is_empty());
    assert!(after_hearing(&world, [payment_failed(1)]).await.is_empty());
}

#[tokio::test]
async fn a_dearer_change_goes_through_the_kitchen_payment_and_the_kitchen_again() {
    let world = world_with([paid_for_two(), change(1, basket(3))]).await;
    let id = change_id(1);
    assert_eq!(
        after_hearing(&world, [reserved(id), adjusted(id), ticket_changed(id)]).await,
        ["OrderChangeChargeDue", "OrderChanged", "OrderChangeSealed"]
    );
}

#[tokio::test]
async fn a_cheaper_change_goes_through_the_kitchen_alone() {
    let world = world_with([paid_for_two(), change(1, basket(1))]).await;
    assert_eq!(after_hearing(&world, [ticket_changed(change_id(1))]).await, ["OrderChanged"]);
}

#[tokio::test]
async fn a_declined_extra_refuses_the_change_and_the_kitchens_putting_back_is_no_news() {
    let world = world_with([paid_for_two(), change(1, basket(3))]).await;
    let id = change_id(1);
    let tales = [reserved(id), adjustment_declined(id), ticket_change_refused(id, ChangeRefusal::PaymentDeclined)];
    assert_eq!(after_hearing(&world, tales).await, ["OrderChangeChargeDue", "OrderChangeRefused"]);
}

#[tokio::test]
async fn the_kitchens_time_out_before_the_payment_refuses_and_the_late_payment_is_given_back() {
    let world = world_with([paid_for_two(), change(1, basket(3))]).await;
    let id = change_id(1);
    let tales = [reserved(id), ticket_change_refused(id, ChangeRefusal::PaymentTimeout), adjusted(id)];
    assert_eq!(after_hearing(&world, tales).await, ["OrderChangeChargeDue", "OrderChangeRefused"]);
}

#[tokio::test]
async fn the_kitchens_time_out_that_crossed_the_payment_takes_the_change_back() {
    let world = world_with([paid_for_two(), change(1, basket(3))]).await;
    let id = change_id(1);
    let tales = [reserved(id), adjusted(id), ticket_change_refused(id, ChangeRefusal::PaymentTimeout)];
    assert_eq!(after_hearing(&world, tales).await, ["OrderChangeChargeDue", "OrderChanged", "OrderChangeRefused"]);
    let history = world.history(ORDER).await;
    assert_eq!(history.last(), Some(&change_refused(1, ChangeRefusal::PaymentTimeout, basket(2))));
}

#[tokio::test]
async fn a_rejection_ends_the_order() {
    let world = world_with([paid_for_two(), cancel()]).await;
    assert_eq!(after_hearing(&world, [ticket_rejected(), ticket_canceled()]).await, ["OrderRejected"]);
}

#[tokio::test]
async fn a_withdrawn_ticket_cancels_only_where_that_was_asked() {
    let world = world_with([paid_for_two()]).await;
    assert!(after_hearing(&world, [ticket_canceled()]).await.is_empty());
    world.service.command::<Order>(&Origin::none(), &ORDER, cancel()).await.unwrap();
    assert_eq!(after_hearing(&world, [ticket_canceled(), ticket_rejected()]).await, ["OrderCanceled"]);
}

#[tokio::test]
async fn cooking_refuses_a_cancel_even_when_that_is_heard_after_the_delivery() {
    let world = world_with([paid_for_two(), cancel()]).await;
    assert_eq!(after_hearing(&world, [brought(), cancel_refused()]).await, ["DeliveredHeard", "OrderCancelRefused"]);
}

#[tokio::test]
async fn delivered_after_it_was_abandoned_it_stays_canceled() {
    let world = world_with([paid_for_two()]).await;
    world.clock.advance(FOUR_HOURS);
    world.order_is(ORDER, |order| order.placed().unwrap().status() == OrderStatus::Canceled).await;
    assert!(after_hearing(&world, [brought()]).await.is_empty());
}

#[tokio::test]
async fn how_far_the_food_comes_is_heard_once_for_the_one_who_may_be_at_fault() {
    let world = world_with([paid_for_two()]).await;
    assert_eq!(after_hearing(&world, [cooked()]).await, ["FoodHeard"]);
    assert_eq!(after_hearing(&world, [given_back()]).await, [""; 0]);
    assert_eq!(after_hearing(&world, [not_fetched(), cooked()]).await, ["FoodHeard"]);
    assert_eq!(after_hearing(&world, [given_back()]).await, ["FoodHeard"]);
    assert_eq!(after_hearing(&world, [fetched(), cooked(), not_fetched()]).await, ["FoodHeard"]);
    let order = world.order_is(ORDER, |_| true).await;
    assert_eq!(order.placed().unwrap().food, Food::PickedUp);
    assert_eq!(after_hearing(&world, [brought(), fetched()]).await, ["DeliveredHeard"]);
}

#[tokio::test]
async fn of_orders_it_does_not_know_it_hears_in_peace() {
    let world = World::begin_without_stores().await;
    let id = change_id(1);
    let everything = [approved(1), payment_declined(1), adjusted(id), adjustment_declined(id), reserved(id)]
        .into_iter()
        .chain([ticket_changed(id), ticket_change_refused(id, ChangeRefusal::OutOfStock), ticket_rejected()])
        .chain([ticket_canceled(), cancel_refused(), cooked(), not_fetched(), given_back(), fetched(), brought()]);
    assert!(after_hearing(&world, everything).await.is_empty());
}

/// What order has published, in order.
async fn told(world: &World) -> Vec<Envelope> {
    let batch = world.service.bus().read(source::ORDER, 0, 0, 1_000).await.unwrap();
    batch.envelopes.iter().map(|envelope| (**envelope).clone()).collect()
}

#[tokio::test]
async fn others_hear_what_concerns_them_tied_to_the_order() {
    let world = world_with([paid_for_two(), change(1, basket(3))]).await;
    let id = change_id(1);
    after_hearing(&world, [reserved(id), adjusted(id), ticket_changed(id), brought()]).await;
    world.service.command::<Order>(&Origin::none(), &ORDER, Command::Confirm).await.unwrap();
    let told = told(&world).await;
    let kinds: Vec<_> = told.iter().map(|envelope| envelope.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["OrderPlaced", "OrderPaid", "OrderChangeRequested", "OrderChangeChargeDue", "OrderChanged", "OrderCompleted"]
    );
    for envelope in &told {
        let event: OrderTells = envelope.read().unwrap();
        assert_eq!((event.order_id(), envelope.correlation), (ORDER, Some(ORDER.0)));
    }
    let OrderTells::OrderPaid { order_no, customer_id, store, basket: paid, .. } = told[1].read().unwrap() else {
        panic!("OrderPaid");
    };
    assert_eq!((order_no, customer_id), (OrderNo::of(ORDER), CUSTOMER));
    assert_eq!((store, paid), (order_store(), basket(2)));
}

#[tokio::test]
async fn every_event_is_published_or_kept_on_purpose() {
    let private = ["PaymentAttempted", "PaymentAttemptShared", "PaymentDeclined", "PaymentPutOff"];
    let world = world_with([
        Command::Pay { attempt_id: attempt(2), at_most: 10 },
        Command::Decline { attempt_id: attempt(1), reason: "no".to_owned() },
        Command::Pay { attempt_id: attempt(2), at_most: 10 },
        Command::PutOff { attempt_id: attempt(2), answered: false },
        paid_for_two(),
        cancel(),
        Command::RefuseCancel,
        Command::Reject { reason: RejectReason::Closed, text: String::new() },
    ])
    .await;
    let happened: Vec<&'static str> = world.history(ORDER).await.iter().map(Into::into).collect();
    assert!(private.iter().all(|kind| happened.contains(kind)), "{happened:?}");
    let told: Vec<_> = told(&world).await.into_iter().map(|envelope| envelope.kind).collect();
    assert_eq!(told, ["OrderPlaced", "OrderPaid", "OrderCancelRequested", "OrderCancelRefused", "OrderRejected"]);
}

#[tokio::test]
async fn while_sealing_nothing_else_is_asked_and_the_old_basket_is_kept() {
    let world = world_with([paid_for_two(), change(1, basket(3))]).await;
    after_hearing(&world, [adjusted(change_id(1))]).await;
    let order = world.order_is(OrderId(ORDER.0), |order| order.placed().is_some()).await;
    let placed = order.placed().unwrap();
    assert_eq!(placed.status(), OrderStatus::Paid);
    assert_eq!(placed.pending(), Some(&Pending::Seal { change_id: change_id(1), before: basket(2) }));
    assert_eq!(world.history(ORDER).await.last(), Some(&changed(1, basket(3))));
}
