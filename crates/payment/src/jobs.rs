//! The calls to the provider that nobody waits for.
//!
//! Each kind has so many lines to the provider and no more. A job that finds none free comes again when its turn
//! should be, and holds up no other kind meanwhile: the jobs of a process run side by side, but not without end.

mod charge_extra;
mod lines;
mod look_up;
mod reconcile;
mod refund;
mod unknown;

use std::time::Duration;

use async_trait::async_trait;
use baedal_kit::{Failure, Job};
use baedal_kit_runtime::{JobHandler, Retry, UnitOfWork};
use jiff::SignedDuration;

use self::lines::Lines;
pub(crate) use self::reconcile::{RECONCILE, begin_to_reconcile};
use crate::Settings;
use crate::charging::Charging;
use crate::domain::{CHARGE_EXTRA, LOOK_UP, REFUND};
use crate::provider::Calls;
use unknown::Unknown;

/// The most that a job waits for its turn: when the provider is well again, nobody waits for longer.
const MOST_WAIT: SignedDuration = SignedDuration::from_secs(60);
/// The same for an extra, for which the kitchen holds still.
const MOST_WAIT_FOR_AN_EXTRA: SignedDuration = SignedDuration::from_secs(2);

/// Does payment's jobs.
pub(crate) struct Jobs {
    charging: Charging,
    calls: Calls,
    settings: Settings,
    unknown: Unknown,
    extras: Lines,
    refunds: Lines,
    look_ups: Lines,
}

impl Jobs {
    pub(crate) fn new(charging: Charging, calls: Calls, settings: Settings) -> Self {
        Self {
            extras: Lines::new(settings.extras_at_once, settings.answer_limit, MOST_WAIT_FOR_AN_EXTRA),
            refunds: Lines::new(settings.refunds_at_once, settings.call_limit, MOST_WAIT),
            look_ups: Lines::new(settings.look_ups_at_once, settings.call_limit, MOST_WAIT),
            charging,
            calls,
            settings,
            unknown: Unknown::default(),
        }
    }

    fn lines(&self, kind: &str) -> Option<&Lines> {
        match kind {
            LOOK_UP => Some(&self.look_ups),
            CHARGE_EXTRA => Some(&self.extras),
            REFUND => Some(&self.refunds),
            _ => None,
        }
    }
}

#[async_trait]
impl JobHandler for Jobs {
    fn kinds(&self) -> &'static [&'static str] {
        &[LOOK_UP, CHARGE_EXTRA, REFUND, RECONCILE]
    }

    async fn run(&self, job: &Job, work: &mut UnitOfWork) -> Result<(), Failure> {
        let line = match self.lines(&job.kind).map(Lines::take) {
            None => None,
            Some(Ok(line)) => Some(line),
            Some(Err(full)) => {
                // It was not tried: it comes again as it was.
                let (run_at, attempt) = (full.turn_comes_at(work.at()), job.attempt.saturating_sub(1));
                work.schedule(Job { run_at, attempt, ..job.clone() });
                return Ok(());
            }
        };
        let done = match job.kind.as_str() {
            RECONCILE => self.reconcile(job.read()?, work).await,
            LOOK_UP => self.look_up(job.read()?, work).await,
            CHARGE_EXTRA => self.charge_extra(job.read()?, job.attempt, work).await,
            REFUND => self.refund(job.read()?, job.attempt, work).await,
            other => Err(Failure::broken(format!("payment does no jobs of kind {other}"))),
        };
        drop(line);
        done
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
