//! Deadlines come by the clock, and every order ends.

use baedal_contracts::order::CancelReason;
use baedal_contracts::{OrderId, delivery};
use baedal_order::domain::{Event, OrderStatus};
use jiff::SignedDuration;

use crate::given::*;
use crate::placing::{body, place};
use crate::world::World;

async fn becomes(world: &World, order_id: OrderId, status: OrderStatus) {
    world.order_is(order_id, |order| order.placed().unwrap().status() == status).await;
}

async fn last(world: &World, order_id: OrderId) -> Event {
    world.history(order_id).await.pop().expect("an event")
}

#[tokio::test]
async fn unpaid_it_is_canceled_after_ten_minutes() {
    let world = World::begin().await;
    let order_id = place(&world, "a", body(2, "verify")).await.order_id();
    world.clock.advance(WINDOW);
    becomes(&world, order_id, OrderStatus::Canceled).await;
    let event = last(&world, order_id).await;
    assert!(matches!(event, Event::OrderCanceled { reason: CancelReason::PaymentExpired, paid: false, .. }));
}

#[tokio::test]
async fn paid_and_never_delivered_it_is_abandoned_after_four_hours() {
    let world = World::begin().await;
    let order_id = place(&world, "a", body(2, "approve")).await.order_id();
    world.clock.advance(FOUR_HOURS - SignedDuration::from_secs(1));
    becomes(&world, order_id, OrderStatus::Paid).await;
    world.clock.advance(SignedDuration::from_secs(1));
    becomes(&world, order_id, OrderStatus::Canceled).await;
    let event = last(&world, order_id).await;
    assert!(matches!(event, Event::OrderCanceled { reason: CancelReason::Abandoned, paid: true, .. }));
}

#[tokio::test]
async fn delivered_and_never_confirmed_it_completes_after_an_hour_and_nothing_is_left_to_do() {
    let world = World::begin().await;
    let order_id = place(&world, "a", body(2, "approve")).await.order_id();
    world.tell_delivery(&delivery::Event::Delivered { order_id, rider_id: STRANGER }).await;
    becomes(&world, order_id, OrderStatus::Delivered).await;
    world.clock.advance(HOUR);
    becomes(&world, order_id, OrderStatus::Completed).await;
    assert_eq!(last(&world, order_id).await, completed(true));
    let next = world.service.database().next_due().await.unwrap().expect("the key to be forgotten");
    assert_eq!(next, baedal_kit::scenario::NOON + SignedDuration::from_hours(24));
}
