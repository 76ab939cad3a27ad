//! What order does when its deadlines come.

use std::sync::Arc;

use async_trait::async_trait;
use baedal_contracts::OrderId;
use baedal_kit::{Failure, Job, JobHandler, Work};

use crate::domain::order::{ABANDON, AUTO_COMPLETE, PAYMENT_WINDOW};
use crate::domain::{Command, Order};
use crate::views::IDEMPOTENCY;
use crate::{Payments, Settings};

/// An `Idempotency-Key` was remembered long enough.
pub(crate) const FORGET_KEY: &str = "forget_key";

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

    async fn run(&self, job: &Job, work: &mut Work) -> Result<(), Failure> {
        let command = match job.kind.as_str() {
            FORGET_KEY => {
                work.delete(IDEMPOTENCY, &job.key);
                return Ok(());
            }
            PAYMENT_WINDOW => {
                let askable_since = self.payments.askable_since();
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
        work.tell::<Order>(&order_id, command).await?;
        // Where the clock was set back since the job was taken, its time has not come: it is kept for then.
        let order = work.load::<Order>(&order_id).await?;
        let next = order.placed().and_then(|placed| placed.next_deadline(order_id));
        if let Some(next) = next.filter(|next| next.kind == job.kind) {
            work.schedule(next);
        }
        Ok(())
    }
}
