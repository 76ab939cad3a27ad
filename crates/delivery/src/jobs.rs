//! The deadlines of waiting: seen from farther away, and the operator told; and that of riders' silence.

use std::sync::Arc;

use async_trait::async_trait;
use baedal_contracts::OrderId;
use baedal_kit::{Failure, Job, JobHandler, Work};

use crate::changes::tell;
use crate::domain::Command;
use crate::domain::delivery::{ESCALATE, WIDEN};
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
        &[WIDEN, ESCALATE, SILENCE]
    }

    async fn run(&self, job: &Job, work: &mut Work) -> Result<(), Failure> {
        if job.kind == SILENCE {
            let rider_id = job.key.parse().map_err(|error| {
                Failure::broken_by(format!("job {} has no rider for a key: {}", job.kind, job.key), error)
            })?;
            return when_he_may_be_silent(work, &self.settings, rider_id).await;
        }
        let order_id: OrderId = job.key.parse().map_err(|error| {
            Failure::broken_by(format!("job {} has no order for a key: {}", job.kind, job.key), error)
        })?;
        match job.kind.as_str() {
            WIDEN => tell(work, order_id, Command::Widen { reach: self.settings.reach() }).await,
            ESCALATE => tell(work, order_id, Command::Escalate).await,
            other => Err(Failure::broken(format!("{other} is no deadline of a delivery"))),
        }
    }
}
