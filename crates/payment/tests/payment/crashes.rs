//! The process dies, at the worst times.

use async_trait::async_trait;
use baedal_contracts::order::Event as Order;
use baedal_contracts::payment::{Booked, Event, TakePaymentAnswer};
use baedal_contracts::{AttemptId, ChangeId, OrderId, Won};
use baedal_kit::time::Clock;
use baedal_payment::SimulatedProvider;
use baedal_payment::provider::{Charge, ChargeOutcome, LookUp, Provider, ProviderError, Refund};
use jiff::SignedDuration;
use uuid::Uuid;

use super::world::{World, canceled, new_attempt, new_order};

/// Where the process dies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DiesBefore {
    Call,
    Answer,
    ExtrasAnswer,
    RefundsAnswer,
}

/// The simulated provider, as a process sees it that dies: it never hears the answer.
struct Unheard(SimulatedProvider, DiesBefore);

#[async_trait]
impl Provider for Unheard {
    async fn charge(&self, charge: &Charge) -> Result<ChargeOutcome, ProviderError> {
        if self.1 != DiesBefore::Call {
            let is_extra = self.0.view(charge.order_id).await.unwrap().captured_krw > Won::ZERO;
            let answer = self.0.charge(charge).await;
            if self.1 != DiesBefore::Answer && !(self.1 == DiesBefore::ExtrasAnswer && is_extra) {
                return answer;
            }
        }
        std::future::pending().await
    }

    async fn look_up(&self, _key: AttemptId) -> Result<LookUp, ProviderError> {
        std::future::pending().await
    }

    async fn refund(&self, refund: &Refund) -> Result<(), ProviderError> {
        self.0.refund(refund).await?;
        std::future::pending().await
    }

    async fn booked(&self, order_id: OrderId) -> Result<Booked, ProviderError> {
        self.0.booked(order_id).await
    }

    async fn book(&self, after: Option<OrderId>, limit: usize) -> Result<Vec<(OrderId, Booked)>, ProviderError> {
        self.0.book(after, limit).await
    }

    fn routes(&self) -> axum::Router {
        self.0.routes()
    }
}

#[tokio::test]
async fn a_charge_whose_answer_died_with_the_process_is_looked_up_and_counts_once() {
    let world = World::with(|simulated| Unheard(simulated, DiesBefore::Answer)).await;
    let (order_id, attempt_id) = (new_order(), new_attempt());
    let asking = world.take_meanwhile(order_id, attempt_id, 18_500, "sim_approve");
    world.until_charged(order_id).await;
    asking.abort();
    let world = world.restarted().await;
    assert_eq!(world.payment(order_id).await.captured_krw, Won::ZERO);
    assert_eq!(world.take(order_id, new_attempt(), 18_500, "sim_approve").await, TakePaymentAnswer::Verifying);
    world.pass(5);
    world.until_captured(order_id, 18_500).await;
    world.pass(120);
    assert_eq!(world.take(order_id, attempt_id, 18_500, "sim_approve").await, TakePaymentAnswer::Approved);
    assert_eq!(world.told().await, [Event::PaymentApproved { order_id, attempt_id, amount_krw: Won(18_500) }]);
    assert_eq!(world.book(order_id).await.charges, 1);
    world.check_quiet(order_id, 18_500).await;
}

#[tokio::test]
async fn a_charge_that_never_left_the_process_failed_after_a_while_and_not_before() {
    let world = World::with(|simulated| Unheard(simulated, DiesBefore::Call)).await;
    let (order_id, attempt_id) = (new_order(), new_attempt());
    let asking = world.take_meanwhile(order_id, attempt_id, 18_500, "sim_approve");
    let begun = || async {
        let path = format!("/internal/payments/{order_id}");
        let (status, _): (_, serde_json::Value) =
            world.send(axum::http::Method::GET, &path, axum::body::Body::empty()).await;
        status.is_success()
    };
    world.until("the attempt began", begun).await;
    asking.abort();
    let world = world.restarted().await;
    for _ in 0..11 {
        world.pass(5);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(world.take(order_id, attempt_id, 18_500, "sim_approve").await, TakePaymentAnswer::Verifying);
    }
    let settled = || async { world.told().await.len() == 1 };
    world.in_time("it was settled", settled).await;
    let failed = TakePaymentAnswer::Failed { reason: "not_received".to_owned() };
    assert_eq!(world.take(order_id, attempt_id, 18_500, "sim_approve").await, failed);
    assert_eq!(world.take(order_id, new_attempt(), 18_500, "sim_approve").await, TakePaymentAnswer::Approved);
    world.check_quiet(order_id, 18_500).await;
}

#[tokio::test]
async fn a_refund_whose_answer_died_with_the_process_is_made_once() {
    let world = World::with(|simulated| Unheard(simulated, DiesBefore::RefundsAnswer)).await;
    let order_id = new_order();
    world.take(order_id, new_attempt(), 18_500, "sim_approve").await;
    world.hears(canceled(order_id, 0)).await;
    world.until("the provider was asked", || async { world.book(order_id).await.refunds == 1 }).await;
    let world = world.restarted().await;
    assert_eq!(world.payment(order_id).await.refunded_krw, Won::ZERO);
    world
        .in_time("the refund was confirmed", || async { world.payment(order_id).await.refunded_krw == Won(18_500) })
        .await;
    assert_eq!(world.book(order_id).await.refunds, 1);
    world.check_quiet(order_id, 0).await;
}

#[tokio::test]
async fn an_extra_whose_answer_died_with_the_process_is_looked_up_and_counts_once() {
    let world = World::with(|simulated| Unheard(simulated, DiesBefore::ExtrasAnswer)).await;
    let order_id = new_order();
    world.take(order_id, new_attempt(), 10_000, "sim_approve").await;
    let change_id = ChangeId(Uuid::now_v7());
    let until = world.clock.now() + SignedDuration::from_secs(30);
    world.hears(Order::OrderChangeChargeDue { order_id, change_id, extra_krw: Won(3_000), until, version: 5 }).await;
    world.until("the provider was called", || async { world.book(order_id).await.charges == 2 }).await;
    let world = world.restarted().await;
    world.pass(5);
    world.until_captured(order_id, 13_000).await;
    // The job that made the call comes back when its lease ends, and finds nothing left to do.
    for _ in 0..20 {
        world.pass(5);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(world.told().await[1..], [Event::PaymentAdjusted { order_id, change_id, extra_krw: Won(3_000) }]);
    assert_eq!(world.book(order_id).await.charges, 2);
    world.check_quiet(order_id, 13_000).await;
}
