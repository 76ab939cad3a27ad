//! Asks payment to take money, and stops asking for a while where it does not answer well.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use baedal_contracts::OrderId;
use baedal_contracts::identity::Role;
use baedal_contracts::payment::{TakePayment, TakePaymentAnswer};
use baedal_kit::breaker::{Breaker, Snapshot};
use baedal_kit::http::Caller;
use baedal_kit::http::caller::{CALLER, TRACEPARENT};
use baedal_kit::time::Clock;
use baedal_kit::upstream::Upstream;
use baedal_kit::{Failure, Origin};
use http::{Request, header};
use jiff::{SignedDuration, Timestamp};

use crate::Settings;

/// The most that payment's answer may hold, in bytes.
const ANSWER_LIMIT: usize = 16 * 1024;

/// Whoever takes money for orders.
#[async_trait]
pub trait Payments: Send + Sync + 'static {
    /// Asks to take money; the same attempt asked twice takes money once.
    ///
    /// # Errors
    /// [`PutOff`], where there is no answer to be had now.
    async fn take(&self, order_id: OrderId, request: TakePayment, origin: &Origin)
    -> Result<TakePaymentAnswer, PutOff>;

    /// Since when it could be asked without a break, as far as was looked; nothing where it cannot be now.
    fn askable_since(&self) -> Option<Timestamp> {
        Some(Timestamp::MIN)
    }

    /// The circuit breakers in front of it.
    fn breakers(&self) -> Vec<Snapshot> {
        Vec::new()
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PutOff {
    /// The circuit breaker is open: payment was not asked, so nothing can have been taken.
    #[error("payment was not asked")]
    NotAsked {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// Payment was asked and did not answer as it should, or not in time: it may have taken the money,
    /// and its events will tell.
    #[error("payment did not answer")]
    NoAnswer,
}

/// Payment's HTTP interface, with a time limit, behind a circuit breaker.
pub struct PaymentClient {
    payment: Upstream,
    breaker: Breaker,
    clock: Arc<dyn Clock>,
    time_limit: Duration,
    slow_call: SignedDuration,
    /// Since when it can be asked; nothing where it could not when it was looked last.
    askable_since: Mutex<Option<Timestamp>>,
}

impl PaymentClient {
    /// Asks `payment`, as the settings say.
    #[must_use]
    pub fn new(payment: Upstream, settings: &Settings, clock: Arc<dyn Clock>) -> Self {
        let breaker = settings.payment_breaker.clone();
        Self {
            payment,
            slow_call: breaker.slow_call,
            breaker: Breaker::new("payment", breaker, Arc::clone(&clock)),
            clock,
            time_limit: settings.payment_time_limit.unsigned_abs(),
            askable_since: Mutex::new(Some(Timestamp::MIN)),
        }
    }

    async fn ask(
        &self,
        order_id: OrderId,
        request: &TakePayment,
        origin: &Origin,
    ) -> Result<TakePaymentAnswer, Failure> {
        let caller = Caller { account_id: request.customer_id, role: Role::Customer };
        let body = serde_json::to_vec(request).map_err(|error| Failure::broken_by("a request to payment", error))?;
        let mut asking = Request::post(format!("/internal/payments/{order_id}/attempts"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(CALLER, caller.to_header());
        if let Some(traceparent) = &origin.traceparent {
            asking = asking.header(TRACEPARENT, traceparent);
        }
        let asking =
            asking.body(Body::from(body)).map_err(|error| Failure::broken_by("a request to payment", error))?;

        let answer = self.payment.send(asking).await;
        let status = answer.status();
        if !status.is_success() {
            return Err(Failure::broken(format!("payment answered {status}")));
        }
        let body = axum::body::to_bytes(answer.into_body(), ANSWER_LIMIT)
            .await
            .map_err(|error| Failure::unavailable("payment's answer", error))?;
        serde_json::from_slice(&body).map_err(|error| Failure::broken_by("payment's answer cannot be read", error))
    }
}

#[async_trait]
impl Payments for PaymentClient {
    async fn take(
        &self,
        order_id: OrderId,
        request: TakePayment,
        origin: &Origin,
    ) -> Result<TakePaymentAnswer, PutOff> {
        let permit = self.breaker.try_acquire().map_err(|open| PutOff::NotAsked { retry_after: open.retry_after })?;
        let begun = self.clock.monotonic();
        let answer = tokio::time::timeout(self.time_limit, self.ask(order_id, &request, origin)).await;
        let is_slow = self.clock.monotonic().duration_since(begun) > self.slow_call;
        match answer {
            Ok(Ok(answer)) => {
                match &answer {
                    TakePaymentAnswer::Approved | TakePaymentAnswer::Declined { .. } => permit.success(),
                    // At once where an older attempt is still being looked up; late where the provider
                    // did not answer payment in time.
                    TakePaymentAnswer::Verifying if !is_slow => permit.success(),
                    TakePaymentAnswer::Verifying | TakePaymentAnswer::Failed { .. } => permit.failure(),
                }
                Ok(answer)
            }
            Ok(Err(failure)) => {
                permit.failure();
                tracing::warn!(%order_id, error = failure.story(), "payment did not answer as it should");
                Err(PutOff::NoAnswer)
            }
            Err(_) => {
                permit.failure();
                tracing::warn!(%order_id, limit = ?self.time_limit, "payment did not answer in time");
                Err(PutOff::NoAnswer)
            }
        }
    }

    fn askable_since(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        // Where its time is over, the breaker lets the next one through.
        let is_open = self.breaker.snapshot().open_until.is_some_and(|until| until > now);
        let is_askable = !is_open && self.payment.reachable().is_ok();
        let mut since = self.askable_since.lock().unwrap_or_else(PoisonError::into_inner);
        *since = is_askable.then(|| since.unwrap_or(now));
        *since
    }

    fn breakers(&self) -> Vec<Snapshot> {
        vec![self.breaker.snapshot()]
    }
}
