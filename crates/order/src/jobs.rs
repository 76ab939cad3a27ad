//! What order does when its deadlines come.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use baedal_contracts::OrderId;
use baedal_kit::{Failure, Job};
use baedal_kit_runtime::jobs::Retry;
use baedal_kit_runtime::{JobHandler, UnitOfWork};

use crate::domain::order::{ABANDON, AUTO_COMPLETE, PAYMENT_WINDOW};
use crate::domain::{Command, Order};
use crate::views::IDEMPOTENCY;
use crate::{Payments, Settings};

/// An `Idempotency-Key` was remembered long enough.
pub(crate) const FORGET_KEY: &str = "forget_key";

/// How long a deadline that was put off waits at the most until it is looked at again: people wait for it.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Does the deadlines.
pub(crate) struct Deadlines {
    pub(crate) settings: Settings,
    pub(crate) payments: Arc<dyn Payments>,
}

#[async_trait]
impl JobHandler for Deadlines {
    fn kinds(&self) -> &'static [&'static str] {
        &[PAYMENT_WINDOW, ABANDON, AUTO_COMPLETE, FORGET_KEY]
    }

    fn is_deadline(&self, kind: &str) -> bool {
        matches!(kind, PAYMENT_WINDOW | ABANDON | AUTO_COMPLETE)
    }

    fn retry(&self, _kind: &str) -> Retry {
        Retry { longest_wait: LONGEST_WAIT, ..Retry::default() }
    }

    async fn run(&self, job: &Job, work: &mut UnitOfWork) -> Result<(), Failure> {
        let command = match job.kind.as_str() {
            FORGET_KEY => {
                work.delete(IDEMPOTENCY, &job.key);
                return Ok(());
            }
            PAYMENT_WINDOW => {
                // Nobody can pay while there is nobody here, either.
                let here_since = work.service().serving_since().await?;
                let askable_since = self.payments.askable_since().await.map(|since| since.max(here_since));
                Command::Expire { askable_since, at_least: self.settings.least_payment_time }
            }
            ABANDON => Command::Abandon { carried_for: self.settings.abandon_picked_up_after },
            AUTO_COMPLETE => Command::CompleteByItself,
            kind => return Err(Failure::broken(format!("order has no deadline {kind}"))),
        };
        let order_id: OrderId = job
            .key
            .parse()
            .map_err(|error| Failure::broken_by(format!("{} is not the id of an order", job.key), error))?;
        work.command::<Order>(&order_id, command).await?;
        // Where the clock was set back since the job was taken, its time has not come: it is kept for then.
        let order = work.load::<Order>(&order_id).await?;
        let next = order.placed().and_then(|placed| placed.next_deadline(order_id));
        if let Some(next) = next.filter(|next| next.kind == job.kind) {
            work.schedule(next);
        }
        Ok(())
    }
}
