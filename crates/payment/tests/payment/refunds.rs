//! Money that goes back: all of it by one rule.

use baedal_contracts::payment::{Event, TakePaymentAnswer};
use baedal_contracts::store::RejectReason;
use baedal_contracts::{AccountId, StoreId, Won, order};
use baedal_payment::ledger::Account;
use uuid::Uuid;

use super::world::{World, canceled, new_attempt, new_order};

#[tokio::test]
async fn a_canceled_order_is_refunded_once_and_the_ledger_tells_the_whole_story() {
    let world = World::new().await;
    let (order_id, attempt_id) = (new_order(), new_attempt());
    world.take(order_id, attempt_id, 18_500, "sim_approve").await;
    world.hears(canceled(order_id, 0)).await;
    let refunded = || async { world.payment(order_id).await.refunded_krw == Won(18_500) };
    world.until("the money went back", refunded).await;
    let amount_krw = Won(18_500);
    let told = [
        Event::PaymentApproved { order_id, attempt_id, amount_krw },
        Event::PaymentRefundDue { order_id, amount_krw },
        Event::PaymentRefunded { order_id, amount_krw, refunded_krw: amount_krw, captured_krw: amount_krw },
    ];
    assert_eq!(world.told().await, told);
    world.check_quiet(order_id, 0).await;
    let postings = world.payment(order_id).await.postings;
    let steps: Vec<_> =
        postings.iter().map(|posting| (posting.debit, posting.credit, posting.cause.as_str())).collect();
    let whole_story = [
        (Account::ProviderClearing, Account::CustomerDeposits, "PaymentApproved"),
        (Account::CustomerDeposits, Account::RefundsOwed, "RefundDue"),
        (Account::RefundsOwed, Account::ProviderClearing, "Refunded"),
    ];
    assert_eq!(steps, whole_story);
}

#[tokio::test]
async fn a_rejected_order_is_refunded() {
    let world = World::new().await;
    let order_id = new_order();
    world.take(order_id, new_attempt(), 18_500, "sim_approve").await;
    let (reason, text) = (RejectReason::TooBusy, String::new());
    world.hears(order::Event::OrderRejected { order_id, reason, text }).await;
    world.until("the money went back", || async { world.payment(order_id).await.refunded_krw == Won(18_500) }).await;
    world.check_quiet(order_id, 0).await;
}

#[tokio::test]
async fn an_operators_partial_refund_leaves_the_rest() {
    let world = World::new().await;
    let order_id = new_order();
    world.take(order_id, new_attempt(), 18_500, "sim_approve").await;
    world.hears(canceled(order_id, 8_000)).await;
    world.until("the money went back", || async { world.payment(order_id).await.refunded_krw == Won(10_500) }).await;
    world.check_quiet(order_id, 8_000).await;
}

#[tokio::test]
async fn an_approval_that_comes_after_the_cancel_is_refunded_by_itself() {
    let world = World::new().await;
    let (order_id, attempt_id) = (new_order(), new_attempt());
    let asking = world.take_meanwhile(order_id, attempt_id, 18_500, "sim_slow");
    world.until_charged(order_id).await;
    world.pass(2);
    assert_eq!(asking.await.unwrap(), TakePaymentAnswer::Verifying);
    world.hears(canceled(order_id, 0)).await;
    world.pass(8);
    world.until("the money went back", || async { world.payment(order_id).await.refunded_krw == Won(18_500) }).await;
    world.check_quiet(order_id, 0).await;
}

#[tokio::test]
async fn a_refund_that_fails_is_owed_until_it_works() {
    let world = World::new().await;
    let order_id = new_order();
    world.take(order_id, new_attempt(), 18_500, "sim_refund_fails_once").await;
    world.hears(canceled(order_id, 0)).await;
    let ledger = world.ledger().await;
    assert_eq!(ledger.accounts[&Account::RefundsOwed].balance_krw, 18_500);
    let refunded = || async { world.payment(order_id).await.refunded_krw == Won(18_500) };
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert!(!refunded().await, "it failed the first time");
    world.in_time("the money went back", refunded).await;
    assert_eq!(world.book(order_id).await.refunds, 1);
    world.check_quiet(order_id, 0).await;
}

#[tokio::test]
async fn a_completed_orders_deposit_is_the_stores() {
    let world = World::new().await;
    let order_id = new_order();
    world.take(order_id, new_attempt(), 18_500, "sim_approve").await;
    let (customer_id, store_id) = (AccountId(Uuid::nil()), StoreId(Uuid::nil()));
    world.hears(order::Event::OrderCompleted { order_id, customer_id, store_id, by_itself: false }).await;
    world.check_quiet(order_id, 18_500).await;
    let ledger = world.ledger().await;
    assert_eq!(ledger.accounts[&Account::CustomerDeposits].balance_krw, 0);
    assert_eq!(ledger.accounts[&Account::StorePayable].balance_krw, 18_500);
}
