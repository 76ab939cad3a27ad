//! The deadlines of waiting and of fetching: seen from farther away, and rider and operator told; and that of riders'
//! silence.

use std::sync::Arc;

use async_trait::async_trait;
use baedal_contracts::OrderId;
use baedal_kit::{Failure, Job};
use baedal_kit_runtime::{JobHandler, UnitOfWork};

use crate::changes::tell;
use crate::domain::delivery::{ESCALATE, PICK_UP_BY, WIDEN};
use crate::domain::{Command, Delivery};
use crate::presence::{SILENCE, when_he_may_be_silent};
use crate::settings::Settings;

/// Does what is due about deliveries that wait, and about riders.
pub(crate) struct Deadlines {
    /// As they are set.
    pub(crate) settings: Arc<Settings>,
}

#[async_trait]
impl JobHandler for Deadlines {
    fn kinds(&self) -> &'static [&'static str] {
        &[WIDEN, ESCALATE, PICK_UP_BY, SILENCE]
    }

    async fn run(&self, job: &Job, work: &mut UnitOfWork) -> Result<(), Failure> {
        if job.kind == SILENCE {
            let rider_id = job.key.parse().map_err(|error| {
                Failure::broken_by(format!("job {} has no rider for a key: {}", job.kind, job.key), error)
            })?;
            return when_he_may_be_silent(work, &self.settings, rider_id).await;
        }
        let order_id: OrderId = job.key.parse().map_err(|error| {
            Failure::broken_by(format!("job {} has no order for a key: {}", job.kind, job.key), error)
        })?;
        let (kind, command) = match job.kind.as_str() {
            WIDEN => (WIDEN, Command::Widen { reach: self.settings.reach() }),
            ESCALATE => (ESCALATE, Command::Escalate),
            PICK_UP_BY => (PICK_UP_BY, Command::MissPickup),
            other => return Err(Failure::broken(format!("{other} is no deadline of a delivery"))),
        };
        tell(work, &self.settings, order_id, command).await?;
        // Where the clock was set back since the job was taken, its time has not come: it is kept for then.
        if let Delivery::Requested(errand) = &*work.load::<Delivery>(&order_id).await?
            && let Some(due) = errand.due(kind)
        {
            work.schedule(Job::new(kind, order_id, due).about(order_id.0));
        }
        Ok(())
    }
}
