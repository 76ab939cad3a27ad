//! Money that goes back: all of it by one rule.

use baedal_contracts::order::{Bill, Fault};
use baedal_contracts::payment::{Event, TakePaymentAnswer};
use baedal_contracts::store::RejectReason;
use baedal_contracts::{AccountId, OrderId, StoreId, Won, order};
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
    world.hears(order::Event::OrderRejected { order_id, reason, text, version: 5 }).await;
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
    assert_eq!(balances(&world).await, [0, 5_000, 3_000, 0]);
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
    world.hears(completed(order_id, 18_500)).await;
    world.check_quiet(order_id, 18_500).await;
    assert_eq!(balances(&world).await, [0, 15_500, 3_000, 0]);
}

fn completed(order_id: OrderId, owed: u64) -> order::Event {
    let bill = Bill {
        total_krw: Won(18_500),
        delivery_fee_krw: Won(3_000),
        given_back_krw: Won(18_500 - owed),
        owed_krw: Won(owed),
    };
    order::Event::OrderCompleted {
        order_id,
        customer_id: AccountId(Uuid::nil()),
        store_id: StoreId(Uuid::nil()),
        by_itself: false,
        bill: Some(bill),
        version: 8,
    }
}

fn granted(order_id: OrderId, amount: u64, fault: Fault, owed: u64, version: u64) -> order::Event {
    let bill = Bill {
        total_krw: Won(18_500),
        delivery_fee_krw: Won(3_000),
        given_back_krw: Won(18_500 - owed),
        owed_krw: Won(owed),
    };
    let reason = "콜라가 빠졌어요".to_owned();
    let (refund_id, amount_krw) = (Uuid::now_v7(), Won(amount));
    order::Event::OrderRefundGranted { order_id, refund_id, amount_krw, reason, fault, bill, version }
}

/// Of deposits, store, rider, and what we bear.
async fn balances(world: &World) -> [i64; 4] {
    let accounts = world.ledger().await.accounts;
    let of = [Account::CustomerDeposits, Account::StorePayable, Account::RiderPayable, Account::PlatformExpense];
    of.map(|account| accounts[&account].balance_krw)
}

#[tokio::test]
async fn what_an_operator_gives_back_after_the_end_goes_back_and_somebody_bears_it() {
    let world = World::new().await;
    let order_id = new_order();
    world.take(order_id, new_attempt(), 18_500, "sim_approve").await;
    world.hears(completed(order_id, 18_500)).await;
    let refunded = |amount| {
        let world = world.clone();
        async move { world.payment(order_id).await.refunded_krw == Won(amount) }
    };
    world.hears(granted(order_id, 2_000, Fault::Store, 16_500, 9)).await;
    world.until("the money went back", || refunded(2_000)).await;
    assert_eq!(balances(&world).await, [0, 13_500, 3_000, 0]);
    world.hears(granted(order_id, 3_500, Fault::Rider, 13_000, 10)).await;
    world.until("the money went back", || refunded(5_500)).await;
    assert_eq!(balances(&world).await, [0, 13_500, -500, 0]);
    world.hears(granted(order_id, 13_000, Fault::Platform, 0, 11)).await;
    world.until("the money went back", || refunded(18_500)).await;
    assert_eq!(balances(&world).await, [0, 13_500, -500, 13_000]);
    world.check_quiet(order_id, 0).await;
}

/// A message that could not be processed is tried again when all is over: nobody keeps the customer's money.
#[tokio::test]
async fn what_is_heard_again_after_the_end_still_settles_the_money() {
    let world = World::new().await;
    let order_id = new_order();
    world.take(order_id, new_attempt(), 18_500, "sim_approve").await;
    let late = granted(order_id, 2_000, Fault::Store, 16_500, 5);
    world.hears(granted(order_id, 500, Fault::Store, 16_000, 6)).await;
    world.until("the money went back", || async { world.payment(order_id).await.refunded_krw == Won(2_500) }).await;
    world.hears(completed(order_id, 16_000)).await;
    world.hears(late).await;
    world.check_quiet(order_id, 16_000).await;

    let canceled_late = new_order();
    world.take(canceled_late, new_attempt(), 18_500, "sim_approve").await;
    world.pass(100_000);
    world.hears(canceled(canceled_late, 0)).await;
    let refunded = || async { world.payment(canceled_late).await.refunded_krw == Won(18_500) };
    world.until("the money went back", refunded).await;
}
