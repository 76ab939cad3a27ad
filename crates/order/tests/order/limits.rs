//! What one customer may do at a time, and within an hour, however the requests race.

use std::sync::Arc;

use baedal_contracts::order::ChangeRefusal;
use baedal_contracts::{OrderId, payment, store};
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::json;

use crate::placing::{body, place};
use crate::requests::{begin, paid, pending_change, wish};
use crate::world::{Answer, World, in_time};

async fn pay(world: &World, order_id: OrderId, token: &str) -> Answer {
    let path = format!("/api/orders/{order_id}/payment");
    world.customer("POST", &path, Some(json!({"method": "card", "token": token}))).await
}

#[track_caller]
fn is_refused(answer: &Answer, status: StatusCode, problem: &str, retry_after: Option<&str>) {
    assert_eq!((answer.status, answer.problem()), (status, problem), "{answer:?}");
    assert_eq!(answer.headers.get("retry-after").map(|wait| wait.to_str().unwrap()), retry_after, "{answer:?}");
}

#[tokio::test]
async fn three_orders_wait_to_be_paid_and_a_fourth_once_one_of_them_does_not() {
    let world = World::begin().await;
    let mut waiting = Vec::new();
    for key in ["a", "b", "c"] {
        waiting.push(place(&world, key, body(1, "decline")).await.order_id());
        world.clock.advance(SignedDuration::from_secs(60));
    }
    // The first of them is canceled by itself seven minutes from now.
    let fourth = place(&world, "d", body(1, "approve")).await;
    is_refused(&fourth, StatusCode::CONFLICT, "too_many_unpaid_orders", Some("420"));
    assert_eq!(
        place(&world, "a", body(1, "decline")).await.order_id(),
        waiting[0],
        "who repeats a request is answered"
    );
    assert_eq!(pay(&world, waiting[1], "approve").await.status, StatusCode::OK);
    assert_eq!(place(&world, "d", body(1, "decline")).await.status, StatusCode::CREATED, "the key was not used up");
    let fifth = place(&world, "e", body(1, "approve")).await;
    is_refused(&fifth, StatusCode::CONFLICT, "too_many_unpaid_orders", Some("420"));
    let canceled = world.customer("POST", &format!("/api/orders/{}/cancel", waiting[0]), Some(json!({}))).await;
    assert_eq!(canceled.status, StatusCode::OK);
    assert_eq!(place(&world, "e", body(1, "approve")).await.status, StatusCode::CREATED);
    // Paid orders are as many as one likes.
    assert_eq!(place(&world, "f", body(1, "approve")).await.status, StatusCode::CREATED);
    assert_eq!(place(&world, "g", body(1, "approve")).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn of_orders_that_are_placed_at_once_no_more_wait_than_may() {
    let world = Arc::new(World::begin().await);
    let placing: Vec<_> = (0..12)
        .map(|number| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { place(&world, &format!("key {number}"), body(1, "decline")).await })
        })
        .collect();
    let (mut placed, mut refused) = (0, 0);
    for answer in placing {
        match answer.await.unwrap() {
            answer if answer.status == StatusCode::CREATED => placed += 1,
            answer => {
                assert!(["too_many_unpaid_orders", "unavailable"].contains(&answer.problem()), "{answer:?}");
                refused += 1;
            }
        }
    }
    assert_eq!((placed, refused), (3, 9));
    assert_eq!(world.till.asked().len(), 3);
}

#[tokio::test]
async fn an_order_may_be_tried_to_pay_for_ten_times_and_what_was_put_off_does_not_count() {
    let world = World::begin().await;
    let order_id = place(&world, "a", body(1, "decline")).await.order_id();
    for _ in 2..=9 {
        assert_eq!(pay(&world, order_id, "decline").await.problem(), "payment_declined");
        // Nobody could be asked, and the provider was broken.
        for token in ["open", "fail"] {
            assert_eq!(pay(&world, order_id, token).await.status, StatusCode::ACCEPTED);
        }
    }
    assert_eq!(pay(&world, order_id, "decline").await.problem(), "payment_declined", "the tenth");
    let asked = world.till.asked().len();
    is_refused(&pay(&world, order_id, "approve").await, StatusCode::CONFLICT, "too_many_payment_attempts", None);
    assert_eq!(world.till.asked().len(), asked, "payment was not asked");
}

#[tokio::test]
async fn a_customer_may_try_to_pay_twenty_times_within_an_hour_over_all_orders() {
    let world = Arc::new(World::begin().await);
    let one = place(&world, "a", body(1, "decline")).await.order_id();
    let other = place(&world, "b", body(1, "decline")).await.order_id();
    let third = place(&world, "third", body(1, "decline")).await.order_id();
    for _ in 2..=6 {
        for order_id in [one, other, third] {
            assert_eq!(pay(&world, order_id, "decline").await.problem(), "payment_declined");
        }
    }
    assert_eq!(pay(&world, third, "decline").await.problem(), "payment_declined", "the nineteenth");
    let canceled = world.customer("POST", &format!("/api/orders/{third}/cancel"), Some(json!({}))).await;
    assert_eq!(canceled.status, StatusCode::OK);
    // Two at once, where one is left.
    let paying = [one, other].map(|order_id| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { pay(&world, order_id, "decline").await })
    });
    let mut problems = Vec::new();
    for answer in paying {
        problems.push(answer.await.unwrap().problem().to_owned());
    }
    problems.sort_unstable();
    assert_eq!(problems, ["paying_too_often", "payment_declined"]);
    is_refused(&pay(&world, one, "approve").await, StatusCode::TOO_MANY_REQUESTS, "paying_too_often", Some("3600"));
    let placing = place(&world, "d", body(1, "approve")).await;
    is_refused(&placing, StatusCode::TOO_MANY_REQUESTS, "paying_too_often", Some("3600"));
    world.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(place(&world, "d", body(1, "approve")).await.status, StatusCode::CREATED, "an hour later");
}

/// Asks for what costs more, and is told what payment, or the kitchen, says of it.
async fn change(world: &Arc<World>, order_id: OrderId, answered: Extra) -> Answer {
    let asking = begin(world, "PUT", format!("/api/orders/{order_id}"), wish(3));
    let change_id = pending_change(world, order_id).await;
    match answered {
        Extra::Refused(reason) => {
            world.tell_store(&store::Event::TicketChangeRefused { order_id, change_id, reason }).await;
        }
        Extra::Declined { failed } => {
            let reason = "no".to_owned();
            let declined = payment::Event::PaymentAdjustmentDeclined { order_id, change_id, reason, failed };
            world.tell_payment(&declined).await;
        }
    }
    in_time(asking).await.unwrap()
}

/// What becomes of the extra of a change.
enum Extra {
    Refused(ChangeRefusal),
    Declined { failed: bool },
}

#[tokio::test]
async fn what_a_change_costs_more_may_be_tried_as_often_as_the_order_itself() {
    let world = Arc::new(World::begin().await);
    let order_id = paid(&world).await;
    for _ in 2..=10 {
        // That the provider failed, or the kitchen said no, is nobody's attempt.
        let failed = change(&world, order_id, Extra::Declined { failed: true }).await;
        assert_eq!(failed.problem(), "extra_payment_declined");
        let refused = change(&world, order_id, Extra::Refused(ChangeRefusal::PaymentTimeout)).await;
        assert_eq!(refused.problem(), "payment_timeout");
        let declined = change(&world, order_id, Extra::Declined { failed: false }).await;
        assert_eq!(declined.problem(), "extra_payment_declined");
    }
    let path = format!("/api/orders/{order_id}");
    let eleventh = world.customer("PUT", &path, Some(wish(3))).await;
    is_refused(&eleventh, StatusCode::CONFLICT, "too_many_payment_attempts", None);
    let cheaper = world.customer("PUT", &path, Some(wish(1))).await;
    assert_eq!((cheaper.status, &cheaper.body["pending"]), (StatusCode::ACCEPTED, &json!("change")), "{cheaper:?}");
}

#[tokio::test]
async fn what_changes_cost_more_counts_among_the_twenty_attempts_within_an_hour() {
    let world = Arc::new(World::begin().await);
    let order_id = paid(&world).await;
    let other = place(&world, "other", body(2, "approve")).await.order_id();
    for _ in 2..=9 {
        change(&world, order_id, Extra::Declined { failed: false }).await;
        change(&world, order_id, Extra::Declined { failed: true }).await;
        change(&world, order_id, Extra::Refused(ChangeRefusal::OutOfStock)).await;
    }
    // Ten so far, and nine more for another order: one is left.
    let unpaid = place(&world, "unpaid", body(1, "decline")).await.order_id();
    for _ in 2..=9 {
        assert_eq!(pay(&world, unpaid, "decline").await.problem(), "payment_declined");
    }
    let twentieth = change(&world, order_id, Extra::Declined { failed: false }).await;
    assert_eq!(twentieth.problem(), "extra_payment_declined");
    let path = format!("/api/orders/{other}");
    let too_often = world.customer("PUT", &path, Some(wish(3))).await;
    is_refused(&too_often, StatusCode::TOO_MANY_REQUESTS, "paying_too_often", Some("3600"));
    world.clock.advance(SignedDuration::from_hours(1));
    let later = world.customer("PUT", &path, Some(wish(3))).await;
    assert_eq!((later.status, &later.body["pending"]), (StatusCode::ACCEPTED, &json!("change")), "{later:?}");
}
