//! The deadlines of waiting: seen from farther away, and the operator told.

use std::sync::Arc;

use async_trait::async_trait;
use baedal_contracts::OrderId;
use baedal_kit::{Failure, Job, JobHandler, Work};

use crate::changes::tell;
use crate::domain::Command;
use crate::domain::delivery::{ESCALATE, WIDEN};
use crate::settings::Settings;

/// Does what is due about deliveries that wait.
pub(crate) struct Deadlines {
    /// As they are set.
    pub(crate) settings: Arc<Settings>,
}

#[async_trait]
impl JobHandler for Deadlines {
    fn kinds(&self) -> &'static [&'static str] {
        &[WIDEN, ESCALATE]
    }

    async fn run(&self, job: &Job, work: &mut Work) -> Result<(), Failure> {
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
