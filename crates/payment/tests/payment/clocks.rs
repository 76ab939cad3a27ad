//! Clocks that are set, and processes whose clocks differ: no money is lost, and nobody waits for hours.

use std::sync::Arc;

use async_trait::async_trait;
use baedal_contracts::payment::{Booked, TakePaymentAnswer};
use baedal_contracts::{AttemptId, OrderId, Won};
use baedal_payment::SimulatedProvider;
use baedal_payment::provider::{Charge, ChargeOutcome, LookUp, Provider, ProviderError, Refund};
use jiff::SignedDuration;
use tokio::sync::Semaphore;

use super::world::{World, canceled, new_attempt, new_order};

/// The simulated provider behind a line on which charges are held up until they are let through.
struct HeldUp(SimulatedProvider, Arc<Semaphore>);

#[async_trait]
impl Provider for HeldUp {
    async fn charge(&self, charge: &Charge) -> Result<ChargeOutcome, ProviderError> {
        let let_through = self.1.acquire().await;
        drop(let_through);
        self.0.charge(charge).await
    }

    async fn look_up(&self, key: AttemptId) -> Result<LookUp, ProviderError> {
        self.0.look_up(key).await
    }

    async fn refund(&self, refund: &Refund) -> Result<(), ProviderError> {
        self.0.refund(refund).await
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

/// A charge is on its way and the clock says, of a sudden or in another process, that it is old. The provider does
/// not know it yet; it takes the money a moment later, and nobody hears its answer.
async fn a_charge_on_its_way_is_not_given_up(make_it_look_old: impl AsyncFnOnce(&World) -> World) {
    let line = Arc::new(Semaphore::new(0));
    let world = World::with(|simulated| HeldUp(simulated, Arc::clone(&line))).await;
    let (order_id, attempt_id) = (new_order(), new_attempt());
    let asking = world.take_meanwhile(order_id, attempt_id, 18_500, "sim_silence");
    let begun = || async {
        let path = format!("/internal/payments/{order_id}");
        let (status, _): (_, serde_json::Value) =
            world.send(axum::http::Method::GET, &path, axum::body::Body::empty()).await;
        status.is_success()
    };
    world.until("the attempt began", begun).await;
    let _other = make_it_look_old(&world).await;
    world.pass(2);
    assert_eq!(asking.await.unwrap(), TakePaymentAnswer::Verifying);
    for _ in 0..20 {
        world.pass(1);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(world.told().await, [], "nothing is known yet");
    line.close();
    world.until_charged(order_id).await;
    let captured = || async { world.payment(order_id).await.captured_krw == Won(18_500) };
    world.in_time("the money was booked", captured).await;
    world.check_quiet(order_id, 18_500).await;
}

#[tokio::test]
async fn a_charge_on_its_way_does_not_look_old_to_a_process_whose_clock_is_ahead() {
    a_charge_on_its_way_is_not_given_up(async |world: &World| world.beside(SignedDuration::from_mins(5)).await).await;
}

#[tokio::test]
async fn a_charge_on_its_way_does_not_look_old_when_the_clock_is_set_forward() {
    a_charge_on_its_way_is_not_given_up(async |world: &World| {
        world.clock.step(SignedDuration::from_hours(9));
        world.clone()
    })
    .await;
}

#[tokio::test]
async fn who_asks_for_money_waits_no_longer_because_the_clock_is_set_back() {
    let world = World::new().await;
    let (order_id, attempt_id) = (new_order(), new_attempt());
    let asking = world.take_meanwhile(order_id, attempt_id, 18_500, "sim_slow");
    world.until_charged(order_id).await;
    world.clock.step(SignedDuration::from_hours(-9));
    world.pass(2);
    assert_eq!(asking.await.unwrap(), TakePaymentAnswer::Verifying);
    world.pass(10);
    world.until_captured(order_id, 18_500).await;
    world.check_quiet(order_id, 18_500).await;
}

#[tokio::test]
async fn what_one_process_took_another_whose_clock_is_behind_gives_back() {
    for minutes in [-5, 5] {
        let world = World::new().await;
        let order_id = new_order();
        assert_eq!(world.take(order_id, new_attempt(), 18_500, "sim_approve").await, TakePaymentAnswer::Approved);
        let other = world.beside(SignedDuration::from_mins(minutes)).await;
        other.hears(canceled(order_id, 0)).await;
        let refunded = || async { other.payment(order_id).await.refunded_krw == Won(18_500) };
        world.in_time("the money went back", refunded).await;
        other.check_quiet(order_id, 0).await;
    }
}
