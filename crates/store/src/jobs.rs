//! The kitchen's deadlines: to answer a ticket, and to hold still for a change.

use async_trait::async_trait;
use baedal_contracts::OrderId;
use baedal_kit::{Failure, Job, JobHandler, Work};

use crate::domain::ticket::{ANSWER_BY, CHANGE_LOCK, Command};
use crate::kitchen;

/// Ends what took too long. A deadline that was overtaken does nothing.
pub(crate) struct Deadlines;

#[async_trait]
impl JobHandler for Deadlines {
    fn kinds(&self) -> &'static [&'static str] {
        &[ANSWER_BY, CHANGE_LOCK]
    }

    async fn run(&self, job: &Job, work: &mut Work) -> Result<(), Failure> {
        let order_id: OrderId = job
            .key
            .parse()
            .map_err(|error| Failure::broken_by(format!("job {} {} names no order", job.kind, job.key), error))?;
        let command = match job.kind.as_str() {
            ANSWER_BY => Command::EndAnswerTime,
            CHANGE_LOCK => Command::EndChangeLock { change_id: job.read()? },
            other => return Err(Failure::broken(format!("a kitchen has no deadline {other}"))),
        };
        tracing::debug!(%order_id, kind = job.kind, "a kitchen's time is over");
        kitchen::tell(work, order_id, command).await
    }
}
