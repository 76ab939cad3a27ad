//! The calls to the provider that nobody waits for.

mod charge_extra;
mod look_up;
mod refund;
mod unknown;

use std::time::Duration;

use async_trait::async_trait;
use baedal_kit::{Failure, Job, JobHandler, Retry, Work};

use crate::Settings;
use crate::charging::Charging;
use crate::domain::{CHARGE_EXTRA, LOOK_UP, REFUND};
use crate::provider::Calls;
use unknown::Unknown;

/// Does payment's jobs.
pub(crate) struct Jobs {
    charging: Charging,
    calls: Calls,
    settings: Settings,
    unknown: Unknown,
}

impl Jobs {
    pub(crate) fn new(charging: Charging, calls: Calls, settings: Settings) -> Self {
        Self { charging, calls, settings, unknown: Unknown::default() }
    }
}

#[async_trait]
impl JobHandler for Jobs {
    fn kinds(&self) -> &'static [&'static str] {
        &[LOOK_UP, CHARGE_EXTRA, REFUND]
    }

    async fn run(&self, job: &Job, work: &mut Work) -> Result<(), Failure> {
        match job.kind.as_str() {
            LOOK_UP => self.look_up(job.read()?, work).await,
            CHARGE_EXTRA => self.charge_extra(job.read()?, job.attempt, work).await,
            REFUND => self.refund(job.read()?, job.attempt, work).await,
            other => Err(Failure::broken(format!("payment does no jobs of kind {other}"))),
        }
    }

    /// For ever: where money is concerned, nobody gives up.
    fn retry(&self, kind: &str) -> Retry {
        let (first_wait, longest_wait) = match kind {
            REFUND => (Duration::from_secs(1), Duration::from_secs(300)),
            _ => (Duration::from_secs(2), Duration::from_secs(60)),
        };
        Retry { max_attempts: None, first_wait, longest_wait }
    }
}
