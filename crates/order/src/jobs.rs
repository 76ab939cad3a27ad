//! What order does when its deadlines come.

use async_trait::async_trait;
use baedal_contracts::OrderId;
use baedal_kit::{Failure, Job, JobHandler, Work};

use crate::domain::order::{ABANDON, AUTO_COMPLETE, PAYMENT_WINDOW};
use crate::domain::{Command, Order};
use crate::views::IDEMPOTENCY;

/// An `Idempotency-Key` was remembered long enough.
pub(crate) const FORGET_KEY: &str = "forget_key";

/// Does the deadlines.
pub(crate) struct Deadlines;

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
            PAYMENT_WINDOW => Command::Expire,
            ABANDON => Command::Abandon,
            AUTO_COMPLETE => Command::CompleteByItself,
            kind => return Err(Failure::broken(format!("order has no deadline {kind}"))),
        };
        let order_id: OrderId = job
            .key
            .parse()
            .map_err(|error| Failure::broken_by(format!("{} is not the id of an order", job.key), error))?;
        work.tell::<Order>(&order_id, command).await?;
        Ok(())
    }
}
