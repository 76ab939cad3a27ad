//! Deadlines come by the clock, and every order ends.

use baedal_contracts::order::{CancelReason, Fault};
use baedal_contracts::{OrderId, delivery};
use baedal_kit::scenario::NOON;
use baedal_kit::{Job, Origin};
use baedal_order::domain::{Event, Food, OrderStatus};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::given::*;
use crate::placing::{body, place};
use crate::world::{World, in_time};

async fn becomes(world: &World, order_id: OrderId, status: OrderStatus) {
    world.order_is(order_id, |order| order.placed().unwrap().status() == status).await;
}

fn card(token: &str) -> Value {
    json!({ "method": "card", "token": token })
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
    let fault = Some(Fault::Store);
    assert!(
        matches!(event, Event::OrderCanceled { reason: CancelReason::Abandoned, paid: true, fault: f, .. } if f == fault)
    );
}

#[tokio::test]
async fn with_a_rider_it_is_shown_after_four_hours_and_abandoned_after_six() {
    let world = World::begin().await;
    let order_id = place(&world, "a", body(2, "approve")).await.order_id();
    world.tell_delivery(&delivery::Event::PickedUp { order_id, rider_id: STRANGER }).await;
    world.order_is(order_id, |order| order.placed().unwrap().food == Food::PickedUp).await;
    world.clock.advance(FOUR_HOURS);
    world.order_is(order_id, |order| order.placed().unwrap().is_overdue).await;
    assert_eq!(last(&world, order_id).await, Event::OrderOverdue { abandon_at: NOON + FOUR_HOURS + TWO_HOURS });
    becomes(&world, order_id, OrderStatus::Paid).await;
    world.clock.advance(TWO_HOURS);
    becomes(&world, order_id, OrderStatus::Canceled).await;
    let event = last(&world, order_id).await;
    let fault = Some(Fault::Rider);
    assert!(matches!(event, Event::OrderCanceled { reason: CancelReason::Abandoned, fault: f, .. } if f == fault));
}

#[tokio::test]
async fn while_payment_is_away_nothing_expires_and_then_two_minutes_are_left_to_pay() {
    let world = World::begin().await;
    let put_off = place(&world, "a", body(2, "open")).await.order_id();
    let given_up = place(&world, "b", body(2, "open")).await.order_id();
    *world.till.open_since.lock().unwrap() = None;
    let pay_by = async |order_id, pay_by| {
        world.order_is(order_id, |order| order.placed().unwrap().pay_by == pay_by).await;
    };
    for minutes in [10, 12, 14] {
        world.clock.advance((NOON + SignedDuration::from_mins(minutes)).duration_since(world.service.clock().now()));
        pay_by(put_off, NOON + SignedDuration::from_mins(minutes + 2)).await;
        pay_by(given_up, NOON + SignedDuration::from_mins(minutes + 2)).await;
    }
    *world.till.open_since.lock().unwrap() = Some(NOON + SignedDuration::from_mins(15));
    world.clock.advance(SignedDuration::from_mins(2));
    pay_by(put_off, NOON + SignedDuration::from_mins(17)).await;
    pay_by(given_up, NOON + SignedDuration::from_mins(17)).await;
    let paid = world.customer("POST", &format!("/api/orders/{put_off}/payment"), Some(card("approve"))).await;
    assert_eq!((paid.status.as_u16(), &paid.body["status"]), (200, &"paid".into()));
    world.clock.advance(SignedDuration::from_mins(1));
    becomes(&world, given_up, OrderStatus::Canceled).await;
    let paid = world.customer("POST", &format!("/api/orders/{given_up}/payment"), Some(card("approve"))).await;
    assert_eq!((paid.status.as_u16(), paid.problem()), (409, "already_canceled"));
}

#[tokio::test]
async fn a_deadline_that_comes_while_the_clock_is_set_back_comes_again_at_its_time() {
    let world = World::begin().await;
    let order_id = place(&world, "a", body(2, "open")).await.order_id();
    for (kind, after, status) in
        [("payment_window", WINDOW, OrderStatus::AwaitingPayment), ("abandon", FOUR_HOURS, OrderStatus::Paid)]
    {
        let mut work = world.service.work(Origin::none());
        work.schedule(Job::new(kind, order_id, NOON));
        work.commit().await.unwrap();
        let at_its_time = async || {
            let due = world.service.database().next_due().await.unwrap();
            due.is_none_or(|due| due > NOON)
        };
        in_time(async {
            while !at_its_time().await {
                tokio::task::yield_now().await;
            }
        })
        .await;
        becomes(&world, order_id, status).await;
        if status == OrderStatus::AwaitingPayment {
            let paid = world.customer("POST", &format!("/api/orders/{order_id}/payment"), Some(card("approve"))).await;
            assert_eq!(paid.status.as_u16(), 200);
        } else {
            world.clock.advance(after);
            becomes(&world, order_id, OrderStatus::Canceled).await;
        }
    }
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
