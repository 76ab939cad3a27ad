//! Each moment that the kitchen hears of, each event heard twice.

use baedal_contracts::order::ChangeRefusal;
use baedal_contracts::store::{Event as Told, RejectReason};
use baedal_contracts::{ItemId, OrderId, OrderNo};
use baedal_kit::Job;
use jiff::SignedDuration;

use crate::domain::ticket::{CHANGE_LOCK, ChangeLock, Command, Ticket};
use crate::domain::{Store, store};
use crate::testing::{
    CHICKEN, COLA, CUSTOMER, OWNER, RADISH, STORE, World, change_id, home, lines, minutes, order, origin_of_a_request,
    tells,
};

async fn world(chickens: u32) -> World {
    let world = World::with_a_store().await;
    world.count(CHICKEN, Some(chickens)).await;
    world.count(COLA, Some(10)).await;
    world
}

/// What is left of an item after so many changes; the world has counted two.
fn stock_changed(item_id: ItemId, stock: u32, version: u64) -> Told {
    Told::StockChanged { store_id: STORE, item_id, stock: Some(stock), version }
}

fn ticket_changed(order_id: OrderId, change: u128, counts: &[(ItemId, u32)]) -> Told {
    Told::TicketChanged {
        order_id,
        store_id: STORE,
        change_id: change_id(change),
        items: lines(counts),
        deliver_to: home(),
        note: String::new(),
    }
}

fn change_refused(change: u128, reason: ChangeRefusal) -> Told {
    Told::TicketChangeRefused { order_id: order(1), change_id: change_id(change), reason }
}

async fn cook(world: &World, order_id: OrderId) {
    assert!(world.kitchen(order_id, Command::Accept { by: OWNER, cook_minutes: minutes(20) }).await);
    assert!(world.kitchen(order_id, Command::StartCooking { by: OWNER }).await);
}

#[tokio::test]
async fn a_paid_order_opens_a_ticket_and_takes_the_stock() {
    let world = world(5).await;
    let answer_by = world.service.clock().now() + SignedDuration::from_mins(5);
    let told = world.hear_twice(&tells::paid(order(1), &[(CHICKEN, 2), (RADISH, 1)])).await;
    let opened = Told::TicketOpened {
        order_id: order(1),
        order_no: OrderNo::of(order(1)),
        store_id: STORE,
        owner_id: OWNER,
        customer_id: CUSTOMER,
        items: lines(&[(CHICKEN, 2), (RADISH, 1)]),
        deliver_to: home(),
        note: String::new(),
        answer_by,
    };
    assert_eq!(told, [stock_changed(CHICKEN, 3, 3), opened]);
    assert_eq!(world.next_deadline().await, Some(answer_by));
}

#[tokio::test]
async fn a_short_stock_rejects_at_once_and_takes_nothing() {
    let world = world(1).await;
    let told = world.hear_twice(&tells::paid(order(1), &[(COLA, 1), (CHICKEN, 2)])).await;
    let text = "후라이드 치킨".to_owned();
    let reason = RejectReason::OutOfStock;
    assert_eq!(told, [Told::TicketRejected { order_id: order(1), store_id: STORE, reason, text }]);
    assert_eq!((world.left(CHICKEN).await, world.left(COLA).await), (Some(1), Some(10)));
    assert_eq!(world.next_deadline().await, None);
}

#[tokio::test]
async fn two_lines_of_one_item_are_taken_together() {
    let world = world(3).await;
    world.handle(&tells::paid(order(1), &[(CHICKEN, 2), (CHICKEN, 2)])).await;
    assert_eq!(world.left(CHICKEN).await, Some(3));
    world.handle(&tells::paid(order(2), &[(CHICKEN, 2), (CHICKEN, 1)])).await;
    assert_eq!(world.left(CHICKEN).await, Some(0));
}

#[tokio::test]
async fn a_cancel_in_time_gives_the_stock_back() {
    let world = world(5).await;
    world.handle(&tells::paid(order(1), &[(CHICKEN, 2)])).await;
    let told = world.hear_twice(&tells::cancel_requested(order(1))).await;
    let canceled = Told::TicketCanceled { order_id: order(1), store_id: STORE };
    assert_eq!(told, [canceled, stock_changed(CHICKEN, 5, 4)]);
    assert_eq!(world.next_deadline().await, None);
    // Order says so too, then.
    assert!(world.hear_twice(&tells::canceled(order(1), true)).await.is_empty());
}

#[tokio::test]
async fn a_cancel_that_meets_cooking_is_refused() {
    let world = world(5).await;
    world.handle(&tells::paid(order(1), &[(CHICKEN, 2)])).await;
    cook(&world, order(1)).await;
    let told = world.hear_twice(&tells::cancel_requested(order(1))).await;
    assert_eq!(told, [Told::TicketCancelRefused { order_id: order(1) }]);
    assert_eq!(world.left(CHICKEN).await, Some(3));
}

#[tokio::test]
async fn an_operators_cancel_closes_the_ticket_and_food_cooked_is_cooked() {
    let world = world(5).await;
    let canceled = |number| Told::TicketCanceled { order_id: order(number), store_id: STORE };
    world.handle(&tells::paid(order(1), &[(CHICKEN, 2)])).await;
    let told = world.hear_twice(&tells::canceled(order(1), true)).await;
    assert_eq!(told, [canceled(1), stock_changed(CHICKEN, 5, 4)]);

    world.handle(&tells::paid(order(2), &[(CHICKEN, 2)])).await;
    cook(&world, order(2)).await;
    assert_eq!(world.hear_twice(&tells::canceled(order(2), true)).await, [canceled(2)]);
    assert_eq!(world.left(CHICKEN).await, Some(3));
}

#[tokio::test]
async fn an_order_that_ended_before_it_was_heard_of_is_never_opened() {
    let world = world(5).await;
    assert!(world.hear_twice(&tells::canceled(order(1), true)).await.is_empty());
    assert!(world.hear_twice(&tells::paid(order(1), &[(CHICKEN, 2)])).await.is_empty());
    assert_eq!(world.left(CHICKEN).await, Some(5));

    assert!(world.hear_twice(&tells::canceled(order(2), false)).await.is_empty());
    assert_eq!(*world.ticket(order(2)).await, Ticket::Unopened);
}

#[tokio::test]
async fn what_only_the_kitchen_can_answer_waits_for_the_ticket() {
    let world = world(5).await;
    world.fails_to_hear(&tells::cancel_requested(order(1))).await;
    world.fails_to_hear(&tells::change_requested(order(1), 1, &[(CHICKEN, 1)], 0)).await;
    world.fails_to_hear(&tells::completed(order(1))).await;
}

#[tokio::test]
async fn a_change_that_costs_no_more_is_made_at_once() {
    let world = world(5).await;
    world.handle(&tells::paid(order(1), &[(CHICKEN, 2)])).await;
    let after = [(CHICKEN, 1), (COLA, 3)];
    let told = world.hear_twice(&tells::change_requested(order(1), 1, &after, 0)).await;
    // What happens to one store's stock in one commit stands together in the journal.
    assert_eq!(told, [stock_changed(COLA, 7, 4), stock_changed(CHICKEN, 4, 5), ticket_changed(order(1), 1, &after)]);
    assert!(world.hear_twice(&tells::changed(order(1), 1, &after)).await.is_empty());
}

#[tokio::test]
async fn a_dearer_change_is_reserved_and_sealed() {
    let world = world(5).await;
    world.handle(&tells::paid(order(1), &[(CHICKEN, 2)])).await;
    let until = world.service.clock().now() + SignedDuration::from_secs(30);
    let after = [(CHICKEN, 1), (COLA, 3)];
    let told = world.hear_twice(&tells::change_requested(order(1), 1, &after, 9_000)).await;
    let reserved = Told::TicketChangeReserved { order_id: order(1), change_id: change_id(1), until };
    assert_eq!(told, [stock_changed(COLA, 7, 4), reserved]);
    assert_eq!(world.next_deadline().await, Some(until));

    let told = world.hear_twice(&tells::changed(order(1), 1, &after)).await;
    assert_eq!(told, [ticket_changed(order(1), 1, &after), stock_changed(CHICKEN, 4, 5)]);
    // Only the time to answer is left.
    assert_eq!(world.next_deadline().await, Some(until + SignedDuration::from_secs(270)));
}

#[tokio::test]
async fn a_dearer_change_that_is_declined_is_put_back() {
    let world = world(5).await;
    world.handle(&tells::paid(order(1), &[(CHICKEN, 2)])).await;
    world.handle(&tells::change_requested(order(1), 1, &[(CHICKEN, 4)], 2_000)).await;
    assert_eq!(world.left(CHICKEN).await, Some(1));
    assert_eq!(world.hear_twice(&tells::change_refused(order(1), 1)).await, [stock_changed(CHICKEN, 3, 5)]);
    cook(&world, order(1)).await;
}

#[tokio::test]
async fn a_change_without_enough_stock_or_too_late_is_refused() {
    let world = world(5).await;
    world.handle(&tells::paid(order(1), &[(CHICKEN, 2)])).await;
    let told = world.hear_twice(&tells::change_requested(order(1), 1, &[(CHICKEN, 6)], 4_000)).await;
    assert_eq!(told, [change_refused(1, ChangeRefusal::OutOfStock)]);
    assert_eq!(world.left(CHICKEN).await, Some(3));

    cook(&world, order(1)).await;
    let told = world.hear_twice(&tells::change_requested(order(1), 2, &[(CHICKEN, 3)], 1_000)).await;
    assert_eq!(told, [change_refused(2, ChangeRefusal::CookingStarted)]);

    world.handle(&tells::canceled(order(1), true)).await;
    let told = world.hear_twice(&tells::change_requested(order(1), 3, &[(CHICKEN, 3)], 1_000)).await;
    assert_eq!(told, [change_refused(3, ChangeRefusal::TicketClosed)]);
    assert_eq!(world.left(CHICKEN).await, Some(3));
}

#[tokio::test]
async fn a_hold_ends_by_itself_and_crossing_messages_change_nothing() {
    let world = world(5).await;
    world.handle(&tells::paid(order(1), &[(CHICKEN, 2)])).await;
    world.handle(&tells::change_requested(order(1), 1, &[(CHICKEN, 4)], 2_000)).await;
    let before = world.told().await.len();
    world.pass(SignedDuration::from_secs(29)).await;
    assert_eq!(world.told().await.len(), before);
    world.pass(SignedDuration::from_secs(1)).await;
    let told = world.told().await;
    assert_eq!(told[before..], [change_refused(1, ChangeRefusal::PaymentTimeout), stock_changed(CHICKEN, 3, 5)]);

    // Order had said `OrderChanged` meanwhile; it takes that back when it hears the kitchen's word.
    assert!(world.hear_twice(&tells::changed(order(1), 1, &[(CHICKEN, 4)])).await.is_empty());
    assert!(world.hear_twice(&tells::change_refused(order(1), 1)).await.is_empty());
    assert!(world.hear_twice(&tells::change_requested(order(1), 1, &[(CHICKEN, 4)], 2_000)).await.is_empty());
}

#[tokio::test]
async fn a_later_change_puts_an_earlier_hold_back_first() {
    let world = world(5).await;
    world.handle(&tells::paid(order(1), &[(CHICKEN, 2)])).await;
    world.handle(&tells::change_requested(order(1), 1, &[(CHICKEN, 5)], 3_000)).await;
    assert_eq!(world.left(CHICKEN).await, Some(0));
    let told = world.hear_twice(&tells::change_requested(order(1), 2, &[(CHICKEN, 4)], 2_000)).await;
    let [Told::TicketChangeReserved { change_id: held, .. }, stock @ ..] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(*held, change_id(2));
    assert_eq!(stock, [stock_changed(CHICKEN, 3, 5), stock_changed(CHICKEN, 1, 6)]);
}

#[tokio::test]
async fn a_hold_whose_end_was_put_off_lasts_as_long_again_for_order_to_hear_what_payment_told() {
    let world = world(5).await;
    world.handle(&tells::paid(order(1), &[(CHICKEN, 2)])).await;
    world.handle(&tells::change_requested(order(1), 1, &[(CHICKEN, 4)], 2_000)).await;
    let until = world.service.clock().now() + SignedDuration::from_secs(30);
    let again = until + SignedDuration::from_secs(1);
    let lock = ChangeLock { change_id: change_id(1), prolonged: false };
    let put_off = Job { attempt: 1, ..Job::new(CHANGE_LOCK, order(1), again).with(&lock) };
    let mut work = world.service.work(origin_of_a_request());
    work.schedule(put_off);
    work.commit().await.expect("a commit");
    let before = world.told().await.len();
    world.pass(SignedDuration::from_secs(31)).await;
    assert_eq!(world.next_deadline().await, Some(again + SignedDuration::from_secs(30)));
    assert_eq!(world.told().await.len(), before);
    world.pass(SignedDuration::from_secs(30)).await;
    let told = world.told().await;
    assert_eq!(told[before..], [change_refused(1, ChangeRefusal::PaymentTimeout), stock_changed(CHICKEN, 3, 5)]);
}

#[tokio::test]
async fn a_kitchen_that_could_not_answer_has_two_minutes_from_when_it_can() {
    let mut world = world(5).await;
    for number in [1, 2] {
        world.handle(&tells::paid(order(number), &[(CHICKEN, 1)])).await;
    }
    world.away(SignedDuration::from_mins(8));
    let before = world.told().await.len();
    let answer_by = world.service.clock().now() + SignedDuration::from_mins(2);
    world.pass(SignedDuration::from_secs(20)).await;
    let extended = |number| Told::TicketAnswerExtended { order_id: order(number), store_id: STORE, answer_by };
    assert_eq!(world.told().await[before..], [extended(1), extended(2)]);
    assert!(world.kitchen(order(2), Command::Accept { by: OWNER, cook_minutes: minutes(20) }).await);
    world.pass(SignedDuration::from_secs(100)).await;
    let (reason, text) = (RejectReason::StoreTimeout, String::new());
    let rejected = Told::TicketRejected { order_id: order(1), store_id: STORE, reason, text };
    assert_eq!(world.told().await[before + 3..], [rejected, stock_changed(CHICKEN, 4, 5)]);
    assert_eq!(world.next_deadline().await, None);
}

#[tokio::test]
async fn a_kitchen_that_never_answers_loses_the_ticket() {
    let world = world(5).await;
    world.handle(&tells::paid(order(1), &[(CHICKEN, 2)])).await;
    world.handle(&tells::paid(order(2), &[(CHICKEN, 1)])).await;
    assert!(world.kitchen(order(2), Command::Accept { by: OWNER, cook_minutes: minutes(20) }).await);
    let before = world.told().await.len();
    world.pass(SignedDuration::from_mins(5)).await;
    let (reason, text) = (RejectReason::StoreTimeout, String::new());
    let rejected = Told::TicketRejected { order_id: order(1), store_id: STORE, reason, text };
    assert_eq!(world.told().await[before..], [rejected, stock_changed(CHICKEN, 4, 5)]);
    assert_eq!(world.next_deadline().await, None);
}

#[tokio::test]
async fn a_completed_order_is_thanked_for_in_the_stores_words_of_today() {
    let world = world(5).await;
    world.handle(&tells::paid(order(1), &[(CHICKEN, 2)])).await;
    cook(&world, order(1)).await;
    assert!(world.kitchen(order(1), Command::FinishCooking { by: OWNER }).await);
    let changes = store::Changes {
        thanks_message: Some("또 오세요!".to_owned()),
        open: Some(false),
        ..store::Changes::default()
    };
    let command = store::Command::ChangeStore { by: OWNER, changes };
    world.replica().command::<Store>(&baedal_kit::Origin::none(), &STORE, command).await.expect("a change");
    let told = world.hear_twice(&tells::completed(order(1))).await;
    let thanks = Told::ThanksSent {
        order_id: order(1),
        store_id: STORE,
        store_name: "봉구네".to_owned(),
        customer_id: CUSTOMER,
        message: "또 오세요!".to_owned(),
    };
    assert_eq!(told, [thanks]);
}

#[tokio::test]
async fn finished_food_is_told_with_all_that_a_rider_needs() {
    let world = world(5).await;
    world.handle(&tells::paid(order(1), &[(CHICKEN, 2), (RADISH, 1)])).await;
    cook(&world, order(1)).await;
    assert!(world.kitchen(order(1), Command::FinishCooking { by: OWNER }).await);
    let Some(Told::CookFinished { summary, pickup, store_name, customer_id, .. }) = world.told().await.pop() else {
        panic!("the food is not told of")
    };
    assert_eq!(summary, "후라이드 치킨 ×2, 치킨무 ×1");
    assert_eq!(pickup.address, "서울 마포구 포은로 95");
    assert_eq!((store_name.as_str(), customer_id), ("봉구네", CUSTOMER));
}
