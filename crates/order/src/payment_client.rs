//! Asks payment to take money, and stops asking for a while where it does not answer well.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::response::Response;
use baedal_contracts::payment::{TakePayment, TakePaymentAnswer};
use baedal_contracts::{AttemptId, OrderId};
use baedal_kit::time::Clock;
use baedal_kit::{Failure, Origin};
use baedal_kit_http::breaker::{Breaker, Snapshot};
use baedal_kit_http::caller::TRACEPARENT;
use baedal_kit_http::operations::Serving;
use baedal_kit_http::upstream::{NoAnswer, Upstream};
use http::{Request, header};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;

use crate::Settings;

/// The most that payment's answer may hold, in bytes.
const ANSWER_LIMIT: usize = 16 * 1024;
/// How long payment may take to say since when it is there: just after its start it waits to see whether another
/// replica was there before.
const SERVING_LIMIT: Duration = Duration::from_secs(7);
/// When it is worth asking again where nobody was there.
const RETRY_AFTER: Duration = Duration::from_secs(3);

/// Why payment did not say what became of a question.
#[derive(Debug)]
enum Unsaid {
    /// It was not asked.
    NotAsked(String),
    /// It may have been.
    NoAnswer(Failure),
}

impl From<Failure> for Unsaid {
    fn from(failure: Failure) -> Self {
        Self::NoAnswer(failure)
    }
}

/// Whoever takes money for orders.
#[async_trait]
pub trait Payments: Send + Sync + 'static {
    /// Asks to take money; the same attempt asked twice takes money once.
    ///
    /// # Errors
    /// [`PutOff`], where there is no answer to be had now.
    async fn take(&self, order_id: OrderId, request: TakePayment, origin: &Origin)
    -> Result<TakePaymentAnswer, PutOff>;

    /// Looks whether it can be asked, as far as is known without asking, so that a break is remembered.
    fn look(&self) {}

    /// Since when it could be asked without a break; nothing where it cannot be now.
    async fn askable_since(&self) -> Option<Timestamp> {
        Some(Timestamp::MIN)
    }

    /// What became of an attempt that was asked for without an answer. One that has not arrived by now never begins.
    ///
    /// # Errors
    /// [`PutOff`], where there is still no answer.
    async fn settle(
        &self,
        order_id: OrderId,
        attempt_id: AttemptId,
        origin: &Origin,
    ) -> Result<TakePaymentAnswer, PutOff>;

    /// Whether it is there to be asked about an order, so that what will need it is not begun in vain.
    ///
    /// # Errors
    /// [`PutOff`], where it is not.
    async fn is_there(&self, order_id: OrderId, origin: &Origin) -> Result<(), PutOff>;

    /// The circuit breakers in front of it.
    fn breakers(&self) -> Vec<Snapshot> {
        Vec::new()
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PutOff {
    /// Payment was not asked: the circuit breaker is open, or nobody was there to ask. Nothing can have been taken.
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
    /// Since when we have found nothing that keeps us from asking; nothing where we did when we looked last.
    open_since: Mutex<Option<Timestamp>>,
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
            open_since: Mutex::new(Some(Timestamp::MIN)),
        }
    }

    async fn ask(
        &self,
        order_id: OrderId,
        request: &TakePayment,
        origin: &Origin,
    ) -> Result<TakePaymentAnswer, Unsaid> {
        let body = serde_json::to_vec(request).map_err(|error| Failure::broken_by("a request to payment", error))?;
        let mut asking = Request::post(format!("/internal/payments/{order_id}/attempts"))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(traceparent) = &origin.traceparent {
            asking = asking.header(TRACEPARENT, traceparent);
        }
        let asking =
            asking.body(Body::from(body)).map_err(|error| Failure::broken_by("a request to payment", error))?;

        self.answer(asking).await
    }

    async fn answer(&self, asking: Request<Body>) -> Result<TakePaymentAnswer, Unsaid> {
        let answer = self.send(asking).await?;
        let status = answer.status();
        if !status.is_success() {
            // It may have failed at any point, also when it had begun.
            return Err(Failure::broken(format!("payment answered {status}")).into());
        }
        Ok(read(answer).await?)
    }

    async fn send(&self, request: Request<Body>) -> Result<Response, Unsaid> {
        self.payment.try_send(request, self.time_limit).await.map_err(|no_answer| match no_answer {
            NoAnswer::NotSent(why) => Unsaid::NotAsked(why),
            NoAnswer::MayBeReceived(why) => Unsaid::NoAnswer(Failure::unavailable("payment", why)),
        })
    }

    fn open_since(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        let is_open = self.breaker.lets_through() && self.payment.reachable().is_ok();
        let mut since = self.open_since.lock();
        *since = is_open.then(|| since.unwrap_or(now));
        *since
    }

    /// Since when payment serves, as it says, by our clock.
    async fn serving_since(&self) -> Result<Timestamp, Failure> {
        let what = || "since when payment is there".to_owned();
        let asking = Request::get("/internal/serving").body(Body::empty());
        let answer = self.payment.send(asking.map_err(|error| Failure::broken_by(what(), error))?).await;
        let status = answer.status();
        if !status.is_success() {
            return Err(Failure::unavailable(what(), format!("it answered {status}")));
        }
        let Serving { for_ms } = read(answer).await?;
        Ok(self.clock.now().checked_sub(Duration::from_millis(for_ms)).unwrap_or(Timestamp::MIN))
    }

    async fn look_whether_there(&self, order_id: OrderId, origin: &Origin) -> Result<(), Unsaid> {
        let mut asking = Request::get(format!("/internal/payments/{order_id}"));
        if let Some(traceparent) = &origin.traceparent {
            asking = asking.header(TRACEPARENT, traceparent);
        }
        let asking = asking.body(Body::empty()).map_err(|error| Failure::broken_by("a request to payment", error))?;
        let status = self.send(asking).await?.status();
        if status.is_server_error() {
            return Err(Failure::broken(format!("payment answered {status}")).into());
        }
        Ok(())
    }
}

/// What payment answered.
async fn read<T: DeserializeOwned>(answer: Response) -> Result<T, Failure> {
    let body = axum::body::to_bytes(answer.into_body(), ANSWER_LIMIT).await;
    let body = body.map_err(|error| Failure::unavailable("payment's answer", error))?;
    serde_json::from_slice(&body).map_err(|error| Failure::broken_by("payment's answer cannot be read", error))
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
        // Sending has the limit of its own, and says what may have come of it; this is for the rest of the answer.
        let limit = self.time_limit + self.time_limit / 4;
        let answer = tokio::time::timeout(limit, self.ask(order_id, &request, origin)).await;
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
            Ok(Err(Unsaid::NotAsked(why))) => {
                permit.failure();
                tracing::warn!(%order_id, why, "payment was not asked: nobody was there");
                Err(PutOff::NotAsked { retry_after: RETRY_AFTER })
            }
            Ok(Err(Unsaid::NoAnswer(failure))) => {
                permit.failure();
                tracing::warn!(%order_id, error = failure.report(), "payment did not answer as it should");
                Err(PutOff::NoAnswer)
            }
            Err(_) => {
                permit.failure();
                tracing::warn!(%order_id, limit = ?self.time_limit, "payment did not answer in time");
                Err(PutOff::NoAnswer)
            }
        }
    }

    fn look(&self) {
        self.open_since();
    }

    /// What we have seen ourselves, and what payment says: a break may have been too short for us to see, or have come
    /// before we were there.
    async fn askable_since(&self) -> Option<Timestamp> {
        let open_since = self.open_since()?;
        match tokio::time::timeout(SERVING_LIMIT, self.serving_since()).await {
            Ok(Ok(since)) => Some(since.max(open_since)),
            Ok(Err(failure)) => {
                tracing::warn!(error = failure.report(), "payment does not say since when it is there");
                None
            }
            Err(_) => None,
        }
    }

    /// Past the circuit breaker: nobody waits for it, and it is asked seldom.
    async fn settle(
        &self,
        order_id: OrderId,
        attempt_id: AttemptId,
        origin: &Origin,
    ) -> Result<TakePaymentAnswer, PutOff> {
        let path = format!("/internal/payments/{order_id}/attempts/{attempt_id}/settle");
        let mut asking = Request::post(path);
        if let Some(traceparent) = &origin.traceparent {
            asking = asking.header(TRACEPARENT, traceparent);
        }
        let asking = asking.body(Body::empty()).map_err(|error| {
            tracing::error!(%order_id, %error, "a question to payment cannot be asked");
            PutOff::NoAnswer
        })?;
        let limit = self.time_limit + self.time_limit / 4;
        match tokio::time::timeout(limit, self.answer(asking)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Unsaid::NotAsked(why))) => {
                tracing::warn!(%order_id, why, "payment was not asked: nobody was there");
                Err(PutOff::NotAsked { retry_after: RETRY_AFTER })
            }
            Ok(Err(Unsaid::NoAnswer(failure))) => {
                tracing::warn!(%order_id, error = failure.report(), "payment did not answer as it should");
                Err(PutOff::NoAnswer)
            }
            Err(_) => Err(PutOff::NoAnswer),
        }
    }

    async fn is_there(&self, order_id: OrderId, origin: &Origin) -> Result<(), PutOff> {
        let permit = self.breaker.try_acquire().map_err(|open| PutOff::NotAsked { retry_after: open.retry_after })?;
        match self.look_whether_there(order_id, origin).await {
            Ok(()) => {
                permit.success();
                Ok(())
            }
            Err(unsaid) => {
                permit.failure();
                let why = match unsaid {
                    Unsaid::NotAsked(why) => why,
                    Unsaid::NoAnswer(failure) => failure.report(),
                };
                tracing::warn!(%order_id, why, "payment is not there to be asked");
                // Whether it heard this question does not matter: it was about nothing.
                Err(PutOff::NotAsked { retry_after: RETRY_AFTER })
            }
        }
    }

    fn breakers(&self) -> Vec<Snapshot> {
        vec![self.breaker.snapshot()]
    }
}
