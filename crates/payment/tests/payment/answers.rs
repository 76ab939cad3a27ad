//! What whoever asks for money is told, for every way that the provider may behave.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use baedal_contracts::payment::{Event, TakePaymentAnswer};
use baedal_contracts::{OrderId, Won};
use baedal_payment::Settings;
use baedal_payment::ledger::Account;
use serde_json::Value;

use super::world::{World, canceled, new_attempt, new_order};

fn declined(reason: &str) -> TakePaymentAnswer {
    TakePaymentAnswer::Declined { reason: reason.to_owned() }
}

#[tokio::test]
async fn an_approved_payment_is_told_and_taken_once_however_often_it_is_asked_for() {
    let world = World::new().await;
    let (order_id, attempt_id) = (new_order(), new_attempt());
    for _ in 0..3 {
        assert_eq!(world.take(order_id, attempt_id, 18_500, "sim_approve").await, TakePaymentAnswer::Approved);
    }
    assert_eq!(world.take(order_id, new_attempt(), 18_500, "sim_approve").await, TakePaymentAnswer::Approved);
    assert_eq!(world.take(order_id, new_attempt(), 20_000, "sim_approve").await, declined("already_paid"));
    let approved = Event::PaymentApproved { order_id, attempt_id, amount_krw: Won(18_500) };
    assert_eq!(world.told().await, [approved]);
    assert_eq!(world.book(order_id).await.charges, 1);
    world.check_quiet(order_id, 18_500).await;
    let ledger = world.ledger().await;
    assert_eq!(ledger.accounts[&Account::CustomerDeposits].balance_krw, 18_500);
    assert_eq!(ledger.postings, 1);
}

#[tokio::test]
async fn a_declined_payment_is_told_with_its_reason_and_another_way_works() {
    let world = World::new().await;
    let (order_id, first, second) = (new_order(), new_attempt(), new_attempt());
    for _ in 0..2 {
        assert_eq!(world.take(order_id, first, 18_500, "sim_decline").await, declined("insufficient_funds"));
    }
    assert_eq!(world.take(order_id, second, 18_500, "card_1234").await, TakePaymentAnswer::Approved);
    let reason = "insufficient_funds".to_owned();
    let told = world.told().await;
    assert_eq!(told[0], Event::PaymentDeclined { order_id, attempt_id: first, reason, failed: false });
    assert_eq!(told[1], Event::PaymentApproved { order_id, attempt_id: second, amount_krw: Won(18_500) });
    world.check_quiet(order_id, 18_500).await;
}

#[tokio::test]
async fn a_provider_that_fails_has_taken_nothing_and_another_attempt_begins() {
    let world = World::new().await;
    let (order_id, first) = (new_order(), new_attempt());
    let failed = TakePaymentAnswer::Failed { reason: "provider_error".to_owned() };
    assert_eq!(world.take(order_id, first, 18_500, "sim_fail").await, failed);
    assert_eq!(world.take(order_id, new_attempt(), 18_500, "sim_approve").await, TakePaymentAnswer::Approved);
    let reason = "provider_error".to_owned();
    assert_eq!(world.told().await[0], Event::PaymentDeclined { order_id, attempt_id: first, reason, failed: true });
    world.check_quiet(order_id, 18_500).await;
}

#[tokio::test]
async fn a_slow_provider_keeps_nobody_waiting_and_its_answer_counts_when_it_comes() {
    let world = World::new().await;
    let (order_id, attempt_id) = (new_order(), new_attempt());
    let asking = world.take_meanwhile(order_id, attempt_id, 18_500, "sim_slow");
    world.until_charged(order_id).await;
    world.pass(2);
    assert_eq!(asking.await.unwrap(), TakePaymentAnswer::Verifying);
    assert_eq!(world.take(order_id, attempt_id, 18_500, "sim_slow").await, TakePaymentAnswer::Verifying);
    assert_eq!(world.take(order_id, new_attempt(), 18_500, "sim_approve").await, TakePaymentAnswer::Verifying);
    assert_eq!(world.book(order_id).await.captured_krw, Won::ZERO);
    world.pass(4);
    assert_eq!(world.payment(order_id).await.captured_krw, Won::ZERO);
    world.pass(4);
    world.until_captured(order_id, 18_500).await;
    assert_eq!(world.take(order_id, attempt_id, 18_500, "sim_slow").await, TakePaymentAnswer::Approved);
    assert_eq!(world.told().await.len(), 1);
    world.check_quiet(order_id, 18_500).await;
}

#[tokio::test]
async fn a_silent_provider_is_asked_after_a_while() {
    let world = World::new().await;
    let (order_id, attempt_id) = (new_order(), new_attempt());
    let asking = world.take_meanwhile(order_id, attempt_id, 18_500, "sim_silence");
    world.until_charged(order_id).await;
    world.pass(2);
    assert_eq!(asking.await.unwrap(), TakePaymentAnswer::Verifying);
    world.pass(3);
    world.until_captured(order_id, 18_500).await;
    assert_eq!(world.take(order_id, attempt_id, 18_500, "sim_silence").await, TakePaymentAnswer::Approved);
    assert_eq!(world.told().await.len(), 1);
    world.check_quiet(order_id, 18_500).await;
}

#[tokio::test]
async fn a_caller_who_goes_away_changes_nothing() {
    let world = World::new().await;
    let (order_id, attempt_id) = (new_order(), new_attempt());
    let asking = world.take_meanwhile(order_id, attempt_id, 18_500, "sim_slow");
    world.until_charged(order_id).await;
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    world.pass(10);
    world.until_captured(order_id, 18_500).await;
    world.check_quiet(order_id, 18_500).await;
}

#[tokio::test]
async fn too_many_calls_at_once_fail_at_once_and_take_nothing() {
    let world = World::set(Settings { charges_at_once: 1, ..Settings::default() }).await;
    let (slow, other, attempt_id) = (new_order(), new_order(), new_attempt());
    let asking = world.take_meanwhile(slow, attempt_id, 18_500, "sim_slow");
    world.until_charged(slow).await;
    let busy = TakePaymentAnswer::Failed { reason: "busy".to_owned() };
    assert_eq!(world.take(other, new_attempt(), 18_500, "sim_approve").await, busy);
    assert_eq!(world.take(slow, attempt_id, 18_500, "sim_slow").await, TakePaymentAnswer::Verifying);
    assert_eq!(world.book(other).await.charges, 0);
    world.pass(10);
    asking.await.unwrap();
    world.until_captured(slow, 18_500).await;
    let free =
        || async { world.take(other, new_attempt(), 18_500, "sim_approve").await == TakePaymentAnswer::Approved };
    world.until("the line was free", free).await;
}

#[tokio::test]
async fn no_attempt_begins_after_the_order_has_ended() {
    let world = World::new().await;
    let order_id = new_order();
    world.hears(canceled(order_id, 0)).await;
    assert_eq!(world.take(order_id, new_attempt(), 18_500, "sim_approve").await, declined("order_closed"));
    assert_eq!(world.book(order_id).await.charges, 0);
    world.check_quiet(order_id, 0).await;
}

#[tokio::test]
async fn what_is_not_a_request_for_money_is_a_problem() {
    let world = World::new().await;
    let path = format!("/internal/payments/{}/attempts", new_order());
    let body = r#"{"attempt_id": "0198c5f0-0000-7000-8000-000000000000", "customer_id": "0198c5f0-0000-7000-8000-000000000000",
        "amount_krw": 1, "means": {"method": "", "token": "t"}}"#;
    let (status, problem): (_, Value) = world.send(Method::POST, &path, Body::from(body)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"][0]["field"], "means.method");
    let path = format!("/internal/payments/{}", OrderId(uuid::Uuid::nil()));
    let (status, _): (_, Value) = world.send(Method::GET, &path, Body::empty()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
