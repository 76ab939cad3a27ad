//! Attempts to pay that payment did not answer: it is asked again until it does, so that none stays open for nothing.
//!
//! Whether payment ever received the question is not known here. It knows: what has begun it looks up at the provider
//! and tells; what has not arrived by the time it is asked never begins.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use baedal_contracts::{AttemptId, OrderId, Won};
use baedal_kit::{Failure, Job, Origin};
use baedal_kit_runtime::{JobHandler, Retry, UnitOfWork};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::domain::Order;
use crate::http::App;
use crate::paying::outcome;
use crate::payment_client::Payments;
use crate::{Settings, limits};

/// The job. Its key is the attempt.
const VERIFY_ATTEMPT: &str = "verify_attempt";
/// How long after there was no answer payment is asked again: whoever is only slow has answered by then.
const SOON: SignedDuration = SignedDuration::from_secs(3);

/// An attempt without an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Unanswered {
    pub(crate) order_id: OrderId,
    pub(crate) attempt_id: AttemptId,
    pub(crate) amount_krw: Won,
}

/// Sees to it that payment is asked what became of an attempt.
///
/// # Errors
/// A failure of the database.
pub(crate) async fn verify_later(app: &App, origin: &Origin, unanswered: Unanswered) -> Result<(), Failure> {
    let scheduled = app.service.execute(origin, |work| {
        Box::pin(async move {
            let verify = Job::new(VERIFY_ATTEMPT, unanswered.attempt_id, work.at() + SOON).with(&unanswered);
            work.schedule(verify.about(unanswered.order_id.0));
            Ok::<_, Failure>(())
        })
    });
    scheduled.await.map(|((), _)| ())
}

/// Asks.
pub(crate) struct Verifying {
    pub(crate) payments: Arc<dyn Payments>,
    pub(crate) settings: Arc<Settings>,
}

#[async_trait]
impl JobHandler for Verifying {
    fn kinds(&self) -> &'static [&'static str] {
        &[VERIFY_ATTEMPT]
    }

    async fn run(&self, job: &Job, work: &mut UnitOfWork) -> Result<(), Failure> {
        let Unanswered { order_id, attempt_id, amount_krw } = job.read()?;
        let order = work.load::<Order>(&order_id).await?;
        if order.placed().and_then(|placed| placed.open_attempt()) != Some(attempt_id) {
            return Ok(());
        }
        drop(order);
        let answer = self.payments.settle(order_id, attempt_id, work.origin()).await;
        let answer = answer.map_err(|put_off| Failure::unavailable("payment", put_off))?;
        tracing::info!(%order_id, %attempt_id, ?answer, "payment says what became of an attempt");
        if let Some(command) = outcome(answer, attempt_id, amount_krw, &self.settings) {
            limits::tell(work, order_id, command).await?;
        }
        Ok(())
    }

    /// For as long as the order waits to be paid, and no longer: then it does so no more, and the job ends.
    fn retry(&self, _kind: &str) -> Retry {
        Retry { max_attempts: None, first_wait: Duration::from_secs(1), longest_wait: Duration::from_secs(15) }
    }
}
