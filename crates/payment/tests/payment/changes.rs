//! Changes of a paid order: what they cost more is taken, what they cost less goes back.

use baedal_contracts::order::{Basket, ChangeRefusal, Event as Order};
use baedal_contracts::payment::Event;
use baedal_contracts::{ChangeId, Location, OrderId, Place, Won};
use baedal_kit::time::Clock;
use jiff::SignedDuration;
use uuid::Uuid;

use super::world::{World, new_attempt, new_order};

fn basket(total: u64) -> Basket {
    Basket {
        items: Vec::new(),
        deliver_to: Place {
            address: "서울 중구 세종대로 110".to_owned(),
            location: Location::new(37.5665, 126.978).unwrap(),
        },
        note: String::new(),
        delivery_fee_krw: Won::ZERO,
        total_krw: Won(total),
    }
}

fn charge_due(world: &World, order_id: OrderId, change_id: ChangeId, extra: u64) -> Order {
    let until = world.clock.now() + SignedDuration::from_secs(30);
    Order::OrderChangeChargeDue { order_id, change_id, extra_krw: Won(extra), until, version: 5 }
}

fn refused(order_id: OrderId, change_id: ChangeId, total: u64) -> Order {
    let (reason, basket) = (ChangeRefusal::PaymentTimeout, basket(total));
    Order::OrderChangeRefused { order_id, change_id, reason, basket, bill: None, version: 7 }
}

fn changed(order_id: OrderId, change_id: ChangeId, total: u64) -> Order {
    Order::OrderChanged { order_id, change_id, basket: basket(total), bill: None, version: 6 }
}

async fn paid(token: &str) -> (World, OrderId, ChangeId) {
    let (world, order_id) = (World::new().await, new_order());
    world.take(order_id, new_attempt(), 10_000, token).await;
    (world, order_id, ChangeId(Uuid::now_v7()))
}

#[tokio::test]
async fn a_cheaper_change_gives_the_difference_back() {
    let (world, order_id, change_id) = paid("sim_approve").await;
    world.hears(changed(order_id, change_id, 7_000)).await;
    world.until("the money went back", || async { world.payment(order_id).await.refunded_krw == Won(3_000) }).await;
    world.check_quiet(order_id, 7_000).await;
}

/// The clock of whoever gave the change its id may be behind that of whoever gave the attempt its own.
#[tokio::test]
async fn a_cheaper_change_from_a_clock_that_is_behind_gives_the_difference_back() {
    let (world, order_id, _) = paid("sim_approve").await;
    world.hears(changed(order_id, ChangeId(Uuid::from_u128(1)), 7_000)).await;
    world.until("the money went back", || async { world.payment(order_id).await.refunded_krw == Won(3_000) }).await;
    world.check_quiet(order_id, 7_000).await;
}

#[tokio::test]
async fn the_extra_of_a_change_is_taken_and_told() {
    let (world, order_id, change_id) = paid("sim_approve").await;
    world.hears(charge_due(&world, order_id, change_id, 3_000)).await;
    world.until_captured(order_id, 13_000).await;
    world.hears(changed(order_id, change_id, 13_000)).await;
    let adjusted = Event::PaymentAdjusted { order_id, change_id, extra_krw: Won(3_000) };
    assert_eq!(world.told().await[1..], [adjusted]);
    world.check_quiet(order_id, 13_000).await;
}

#[tokio::test]
async fn an_extra_that_is_declined_is_told() {
    let (world, order_id, change_id) = paid("sim_decline_extra").await;
    world.hears(charge_due(&world, order_id, change_id, 3_000)).await;
    world.until("it was told", || async { world.told().await.len() == 2 }).await;
    let reason = "insufficient_funds".to_owned();
    assert_eq!(world.told().await[1], Event::PaymentAdjustmentDeclined { order_id, change_id, reason, failed: false });
    world.hears(refused(order_id, change_id, 10_000)).await;
    world.check_quiet(order_id, 10_000).await;
}

#[tokio::test]
async fn an_extra_that_is_due_too_late_is_not_taken() {
    let (world, order_id, change_id) = paid("sim_approve").await;
    let due = charge_due(&world, order_id, change_id, 3_000);
    world.pass(30);
    world.hears(due).await;
    let reason = "expired".to_owned();
    let declined = Event::PaymentAdjustmentDeclined { order_id, change_id, reason, failed: true };
    assert_eq!(world.told().await[1..], [declined]);
    assert_eq!(world.book(order_id).await.charges, 1);
}

#[tokio::test]
async fn an_extra_taken_after_the_change_was_refused_goes_back() {
    let (world, order_id, change_id) = paid("sim_approve").await;
    world.hears(charge_due(&world, order_id, change_id, 3_000)).await;
    world.until_captured(order_id, 13_000).await;
    world.hears(changed(order_id, change_id, 13_000)).await;
    world.hears(refused(order_id, change_id, 10_000)).await;
    world.until("the extra went back", || async { world.payment(order_id).await.refunded_krw == Won(3_000) }).await;
    world.check_quiet(order_id, 10_000).await;
}

#[tokio::test]
async fn the_slow_extra_of_a_refused_change_goes_back_when_it_comes() {
    let (world, order_id) = (World::new().await, new_order());
    let asking = world.take_meanwhile(order_id, new_attempt(), 10_000, "sim_slow");
    world.until_charged(order_id).await;
    world.pass(10);
    asking.await.unwrap();
    world.until_captured(order_id, 10_000).await;
    let change_id = ChangeId(Uuid::now_v7());
    world.hears(charge_due(&world, order_id, change_id, 3_000)).await;
    world.until("the provider was called", || async { world.book(order_id).await.charges == 2 }).await;
    world.hears(refused(order_id, change_id, 10_000)).await;
    world.pass(10);
    world.in_time("the extra went back", || async { world.payment(order_id).await.refunded_krw == Won(3_000) }).await;
    world.check_quiet(order_id, 10_000).await;
}
