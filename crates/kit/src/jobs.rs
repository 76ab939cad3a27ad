//! Durable work for later: deadlines, calls to providers, messages.
//!
//! A job commits together with the events that made it necessary. When it is due it is leased, run, and
//! finished in the same commit as what it did; so what it does inside the database happens once, and
//! what it does outside carries an idempotency key. A job that fails is tried again, later each time,
//! and becomes a dead letter in the open when its [`Retry`] says so.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use rand::RngExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::database::{Commit, JobChange, LeasedJob, Outcome};
use crate::message::{Cause, CauseKind, Origin};
use crate::{Failure, Service, Work};

/// How long a job may run before another worker may take it.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// How many jobs are taken at once.
const BATCH: usize = 128;
/// How many of them run at the same time.
const PARALLEL: usize = 32;

/// Work for later.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Job {
    /// What to do, as `payment_window`.
    pub kind: String,
    /// For what. Scheduling the same kind and key again replaces the job.
    pub key: String,
    /// When it is due.
    pub run_at: Timestamp,
    /// What it needs to know, JSON.
    pub payload: serde_json::Value,
    /// How often it was begun.
    pub attempt: u32,
    /// The order it belongs to.
    pub correlation: Option<Uuid>,
    /// Where it comes from; filled in by the unit of work that schedules it.
    pub origin: Option<Origin>,
}

impl Job {
    /// A job without anything more to know.
    #[must_use]
    pub fn new(kind: &'static str, key: impl ToString, run_at: Timestamp) -> Self {
        Self {
            kind: kind.to_owned(),
            key: key.to_string(),
            run_at,
            payload: serde_json::Value::Null,
            attempt: 0,
            correlation: None,
            origin: None,
        }
    }

    /// With what it needs to know.
    ///
    /// # Panics
    /// Never for types that JSON can hold: structs, enums, maps with text keys.
    #[must_use]
    pub fn with(mut self, payload: &impl Serialize) -> Self {
        #[expect(clippy::expect_used, reason = "our own payload types have text keys only, which JSON holds")]
        let payload = serde_json::to_value(payload).expect("a payload that JSON can hold");
        self.payload = payload;
        self
    }

    /// With the order it belongs to.
    #[must_use]
    pub fn about(mut self, order: Uuid) -> Self {
        self.correlation = Some(order);
        self
    }

    /// What it needs to know.
    ///
    /// # Errors
    /// [`Failure::Broken`] where it is not a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        T::deserialize(&self.payload)
            .map_err(|error| Failure::broken_by(format!("job {} {} cannot be read", self.kind, self.key), error))
    }
}

impl From<Job> for JobChange {
    fn from(job: Job) -> Self {
        Self::Schedule(job)
    }
}

impl JobChange {
    /// There is no such job any more.
    #[must_use]
    pub fn unschedule(kind: &'static str, key: impl ToString) -> Self {
        Self::Unschedule { kind: kind.to_owned(), key: key.to_string() }
    }
}

/// How often a job is tried, and how long it waits in between.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retry {
    /// After this many attempts it is a dead letter; `None`: never.
    pub max_attempts: Option<u32>,
    /// The wait after the first failure; it doubles with each.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
}

impl Default for Retry {
    /// Eight attempts over about two minutes.
    fn default() -> Self {
        Self { max_attempts: Some(8), first_wait: Duration::from_secs(1), longest_wait: Duration::from_secs(60) }
    }
}

impl Retry {
    /// The wait after `attempt` failed: doubling, capped, and between half and all of that by chance, so
    /// that what failed together does not come back together.
    #[must_use]
    pub fn wait_after(&self, attempt: u32) -> Duration {
        let doubled = self.first_wait.saturating_mul(1 << attempt.saturating_sub(1).min(20));
        doubled.min(self.longest_wait).mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

/// Does a context's jobs.
#[async_trait]
pub trait JobHandler: Send + Sync + 'static {
    /// The kinds it does.
    fn kinds(&self) -> &'static [&'static str];

    /// Does a job, putting what it changes into `work`, which commits together with the job's end.
    async fn run(&self, job: &Job, work: &mut Work) -> Result<(), Failure>;

    /// How jobs of a kind are tried again.
    fn retry(&self, _kind: &str) -> Retry {
        Retry::default()
    }
}

/// Works on due jobs for ever.
pub async fn run(service: Service, handlers: Vec<Arc<dyn JobHandler>>) {
    let mut changed = service.database().jobs_changed();
    loop {
        changed.mark_unchanged();
        let now = service.clock().now();
        let wait = match service.database().lease(now, now + LEASE, BATCH).await {
            Ok(jobs) if jobs.is_empty() => service.database().next_due().await,
            Ok(jobs) => {
                let full = jobs.len() == BATCH;
                futures::stream::iter(jobs)
                    .for_each_concurrent(PARALLEL, |leased| attempt(&service, &handlers, leased))
                    .await;
                if full { continue } else { service.database().next_due().await }
            }
            Err(failure) => Err(failure),
        };
        match wait {
            Ok(Some(due)) if due <= service.clock().now() => {}
            Ok(Some(due)) => {
                tokio::select! {
                    () = service.clock().sleep_until(due) => {}
                    _ = changed.changed() => {}
                }
            }
            Ok(None) => {
                if changed.changed().await.is_err() {
                    return;
                }
            }
            Err(failure) => {
                tracing::warn!(context = service.name(), error = failure.story(), "jobs wait for the database");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Works on the jobs that are due now, once each and one after the other. How many there were.
///
/// # Errors
/// A failure of the database.
#[cfg(feature = "testing")]
pub async fn run_due(service: &Service, handlers: &[Arc<dyn JobHandler>]) -> Result<usize, Failure> {
    let now = service.clock().now();
    let jobs = service.database().lease(now, now + LEASE, BATCH).await?;
    let count = jobs.len();
    for leased in jobs {
        attempt(service, handlers, leased).await;
    }
    Ok(count)
}

/// Runs one job and records what became of it.
async fn attempt(service: &Service, handlers: &[Arc<dyn JobHandler>], leased: LeasedJob) {
    let LeasedJob { job, lease } = leased;
    let handler = handlers.iter().find(|handler| handler.kinds().contains(&job.kind.as_str()));
    let mut work = service.work(origin(service, &job));
    work.change_job(JobChange::Finish(lease.clone()));
    let done = match &handler {
        Some(handler) => handler.run(&job, &mut work).await,
        None => Err(Failure::broken(format!("nobody does jobs of kind {}", job.kind))),
    };
    let retry = handler.map_or_else(Retry::default, |handler| handler.retry(&job.kind));
    let change = match done {
        Ok(()) => match work.commit().await {
            Ok(Outcome::Committed { .. }) => {
                metrics::counter!("baedal_jobs_total", "context" => service.name(), "outcome" => "done").increment(1);
                return;
            }
            // A conflict: the aggregate moved on, or the lease was lost. Soon again, with a fresh look.
            Ok(Outcome::Conflict) => JobChange::Retry {
                lease,
                run_at: service.clock().now(),
                error: "somebody else changed the same at the same time".to_owned(),
            },
            Err(failure) => failed(service, &job, lease, retry, &failure),
        },
        Err(failure) => failed(service, &job, lease, retry, &failure),
    };
    let record = Commit { jobs: vec![change], ..Commit::default() };
    // Where this fails too, or the lease is lost, the job comes back by itself when the lease runs out.
    if let Err(failure) = service.database().commit(record).await {
        tracing::warn!(
            context = service.name(),
            kind = job.kind,
            key = job.key,
            error = failure.story(),
            "a failed job could not be recorded; it comes back when its lease ends"
        );
    }
}

fn failed(service: &Service, job: &Job, lease: crate::database::Lease, retry: Retry, failure: &Failure) -> JobChange {
    let error = failure.story();
    let order_id = job.correlation.map(tracing::field::display);
    if retry.max_attempts.is_some_and(|most| job.attempt >= most) && !failure.is_passing() {
        tracing::error!(
            context = service.name(),
            kind = job.kind,
            key = job.key,
            order_id,
            attempt = job.attempt,
            error,
            "a job is a dead letter now"
        );
        metrics::counter!("baedal_jobs_total", "context" => service.name(), "outcome" => "dead").increment(1);
        return JobChange::Bury { lease, error };
    }
    tracing::warn!(
        context = service.name(),
        kind = job.kind,
        key = job.key,
        order_id,
        attempt = job.attempt,
        error,
        "a job failed and is tried again"
    );
    metrics::counter!("baedal_jobs_total", "context" => service.name(), "outcome" => "retried").increment(1);
    let run_at = service.clock().now() + retry.wait_after(job.attempt);
    JobChange::Retry { lease, run_at, error }
}

fn origin(service: &Service, job: &Job) -> Origin {
    Origin {
        cause: Cause { kind: CauseKind::Job, id: service.ids().new_id(), name: job.kind.clone() },
        actor: job.origin.as_ref().and_then(|origin| origin.actor),
        traceparent: job.origin.as_ref().and_then(|origin| origin.traceparent.clone()),
    }
}
