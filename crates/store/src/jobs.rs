//! The kitchen's deadlines: to answer a ticket, and to hold still for a change.

use std::time::Duration;

use async_trait::async_trait;
use baedal_contracts::OrderId;
use baedal_contracts::store::TicketStatus;
use baedal_kit::{Failure, Job};
use baedal_kit_runtime::jobs::Retry;
use baedal_kit_runtime::{JobHandler, UnitOfWork};
use jiff::SignedDuration;

use crate::Settings;
use crate::domain::Ticket;
use crate::domain::ticket::{ANSWER_BY, CHANGE_LOCK, ChangeLock, Command, answer_job};
use crate::kitchen;

/// How long a deadline that was put off waits at the most until it is looked at again: cooks wait for it.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A deadline that is tried again so much later was put off: one that collided is tried again at once.
const PUT_OFF: SignedDuration = SignedDuration::from_millis(500);

/// Ends what took too long. A deadline that was overtaken does nothing.
pub(crate) struct Deadlines {
    pub(crate) settings: Settings,
}

#[async_trait]
impl JobHandler for Deadlines {
    fn kinds(&self) -> &'static [&'static str] {
        &[ANSWER_BY, CHANGE_LOCK]
    }

    fn is_deadline(&self, kind: &str) -> bool {
        self.kinds().contains(&kind)
    }

    fn retry(&self, _kind: &str) -> Retry {
        Retry { longest_wait: LONGEST_WAIT, ..Retry::default() }
    }

    async fn run(&self, job: &Job, work: &mut UnitOfWork) -> Result<(), Failure> {
        let order_id: OrderId = job
            .key
            .parse()
            .map_err(|error| Failure::broken_by(format!("job {} {} names no order", job.kind, job.key), error))?;
        tracing::debug!(%order_id, kind = job.kind, "a kitchen's time is over");
        match job.kind.as_str() {
            ANSWER_BY => self.end_answer_time(order_id, work).await,
            CHANGE_LOCK => self.end_change_lock(job, order_id, work).await,
            other => Err(Failure::broken(format!("a kitchen has no deadline {other}"))),
        }
    }
}

impl Deadlines {
    /// Where it was put off, order was away most likely. What order is to say of the change may be in payment's
    /// journal still: it has as long again to hear that.
    async fn end_change_lock(&self, job: &Job, order_id: OrderId, work: &mut UnitOfWork) -> Result<(), Failure> {
        let ChangeLock { change_id, prolonged } = job.read()?;
        let ticket = work.load::<Ticket>(&order_id).await?;
        let held =
            ticket.sheet().and_then(|sheet| sheet.held.as_ref()).filter(|held| held.change.change_id == change_id);
        let was_put_off = job.attempt > 1 && held.is_some_and(|held| job.run_at >= held.until + PUT_OFF);
        if was_put_off && !prolonged {
            let again = Job { run_at: work.at() + self.settings.change_lock, attempt: 0, ..job.clone() };
            work.schedule(again.with(&ChangeLock { change_id, prolonged: true }));
            return Ok(());
        }
        kitchen::tell(work, order_id, Command::EndChangeLock { change_id }).await
    }

    /// Only time in which somebody could answer counts.
    async fn end_answer_time(&self, order_id: OrderId, work: &mut UnitOfWork) -> Result<(), Failure> {
        let not_before = work.service().serving_since().await? + self.settings.least_answer_time;
        kitchen::tell(work, order_id, Command::EndAnswerTime { not_before }).await?;
        // Where the clock was set back since the job was taken, its time has not come: it is kept for then.
        let ticket = work.load::<Ticket>(&order_id).await?;
        let open = ticket.sheet().filter(|sheet| sheet.status == TicketStatus::Open);
        if let Some(answer_by) = open.and_then(|sheet| sheet.answer_by) {
            work.schedule(answer_job(&order_id, answer_by));
        }
        Ok(())
    }
}
