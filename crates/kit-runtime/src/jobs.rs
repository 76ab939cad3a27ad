//! Durable work for later: deadlines, calls to providers, messages.
//!
//! A job commits together with the events that made it necessary. When it is due it is leased, run, and
//! finished in the same commit as what it did; so what it does inside the database happens once, and
//! what it does outside carries an idempotency key. A job that fails is tried again, later each time,
//! and becomes a dead letter in the open when its [`Retry`] says so.

mod slots;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use baedal_kit::database::{Commit, JobChange, Lease, LeasedJob, Outcome};
use baedal_kit::failure::caught;
use baedal_kit::message::{Cause, CauseKind, Origin};
use baedal_kit::{Failure, Job};
use jiff::{SignedDuration, Timestamp};
use rand::RngExt;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::consumer::none_parked;
use crate::{Service, UnitOfWork};

pub(crate) use slots::JobSlots;
use slots::LeasedJobGuard;

/// How long a job may run before another worker may take it.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// How long a job may run before it is cut off: well before its lease ends, so that it never runs twice at
/// the same time.
const LONGEST_RUN: Duration = Duration::from_secs(50);
/// How many jobs run at the same time.
const PARALLEL: usize = 64;
/// How often a job that collides with others is run again at once; later it waits as after a failure.
const EAGER_ATTEMPTS: u32 = 5;
/// How long to wait at first when the database does not answer; the wait doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// How long to wait for it at the most.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

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
    async fn run(&self, job: &Job, work: &mut UnitOfWork) -> Result<(), Failure>;

    /// Whether a kind is a deadline that decides something which cannot be undone. Before it runs, the context catches
    /// up with what the others had published by then: what happened first counts first. Where one of them is away, or
    /// an event that belongs to the same order is set aside or a dead letter, it is put off.
    fn is_deadline(&self, _kind: &str) -> bool {
        false
    }

    /// How jobs of a kind are tried again.
    fn retry(&self, _kind: &str) -> Retry {
        Retry::default()
    }
}

/// Works on due jobs until the process drains.
///
/// As many as [`PARALLEL`] are under way at a time; whenever one ends another is taken, so that a slow one
/// holds up none but itself.
pub async fn run(service: Service, handlers: Vec<Arc<dyn JobHandler>>) {
    let mut changed = service.database().jobs_changed();
    let handlers: Arc<[Arc<dyn JobHandler>]> = handlers.into();
    // Tasks of their own: a job that waits for the database must not wait for us to have asked it too.
    let mut running = JoinSet::new();
    let begin = |running: &mut JoinSet<()>, held: LeasedJobGuard| {
        let (service, handlers) = (service.clone(), Arc::clone(&handlers));
        running.spawn(async move { attempt(&service, &handlers, held).await });
    };
    let mut taken = service.slots().open();
    let mut pause = FIRST_PAUSE;
    while !service.lifecycle().is_draining() {
        changed.mark_unchanged();
        let mut next = match take(&service).await {
            Ok((jobs, next)) => {
                pause = FIRST_PAUSE;
                jobs.into_iter().for_each(|held| begin(&mut running, held));
                next
            }
            Err(failure) => {
                tracing::warn!(context = service.name(), error = failure.report(), "jobs wait for the database");
                pause = (pause * 2).min(LONGEST_PAUSE);
                Next::In(tokio::time::Instant::now() + pause / 2)
            }
        };
        loop {
            tokio::select! {
                () = next.wait(&service, &mut changed) => break,
                () = room(&mut running, next == Next::Room) => break,
                () = service.lifecycle().draining() => break,
                Some(held) = taken.recv() => {
                    // Its lease may have to be looked after like one that we were told of.
                    next = next.at_the_latest(service.clock().now() + LEASE);
                    begin(&mut running, held);
                }
            }
        }
    }
    // What is under way may end; nothing new begins.
    drop(taken);
    while running.join_next().await.is_some() {}
}

/// When to look for jobs again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    /// When some of those under way have ended: there may be more that are due.
    Room,
    /// At this time.
    At(Timestamp),
    /// When some are scheduled.
    Scheduled,
    /// At this time of the machine: the database did not answer.
    In(tokio::time::Instant),
}

impl Next {
    /// Also at this time.
    fn at_the_latest(self, latest: Timestamp) -> Self {
        match self {
            Self::Scheduled => Self::At(latest),
            Self::At(due) => Self::At(due.min(latest)),
            Self::Room | Self::In(_) => self,
        }
    }

    async fn wait(self, service: &Service, changed: &mut watch::Receiver<u64>) {
        let time = async {
            match self {
                Self::At(due) => service.clock().sleep_until(due).await,
                Self::In(then) => tokio::time::sleep_until(then).await,
                Self::Room | Self::Scheduled => std::future::pending().await,
            }
        };
        let scheduled = async {
            if matches!(self, Self::Room | Self::In(_)) || changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = time => {}
            () = scheduled => {}
        }
    }
}

/// Goes on with the jobs under way; returns once there is room for others, where room is wanted.
async fn room(running: &mut JoinSet<()>, wanted: bool) {
    loop {
        if running.join_next().await.is_none() {
            std::future::pending::<()>().await;
        }
        // Those that committed in one group end together; what follows them is leased together.
        while running.try_join_next().is_some() {}
        if wanted {
            return;
        }
    }
}

/// Takes due jobs, if there is a hand free for any, and tells when to look again.
async fn take(service: &Service) -> Result<(Vec<LeasedJobGuard>, Next), Failure> {
    let Some(mut slots) = service.slots().free() else { return Ok((Vec::new(), Next::Room)) };
    let (now, room) = (service.clock().now(), slots.num_permits());
    let leased = service.database().lease(now, now + LEASE, room).await?;
    let hold = |leased| slots.split(1).map(|hand| LeasedJobGuard::new(service, leased, hand));
    let jobs: Vec<_> = leased.into_iter().filter_map(hold).collect();
    if jobs.len() == room {
        return Ok((jobs, Next::Room));
    }
    // Where this fails the jobs just taken are given up by their guards, and come again.
    let next = service.database().next_due().await?.map_or(Next::Scheduled, Next::At);
    Ok((jobs, next))
}

/// Works on the jobs that are due now, once each and one after the other. How many there were.
///
/// # Errors
/// A failure of the database.
#[cfg(feature = "testing")]
pub async fn run_due(service: &Service, handlers: &[Arc<dyn JobHandler>]) -> Result<usize, Failure> {
    let (jobs, _) = take(service).await?;
    let count = jobs.len();
    for held in jobs {
        attempt(service, handlers, held).await;
    }
    Ok(count)
}

/// Runs one job and records what became of it.
async fn attempt(service: &Service, handlers: &[Arc<dyn JobHandler>], held: LeasedJobGuard) {
    let Some(LeasedJob { job, lease }) = held.leased() else { return };
    let handler = handlers.iter().find(|handler| handler.kinds().contains(&job.kind.as_str()));
    let retry = handler.map_or_else(Retry::default, |handler| handler.retry(&job.kind));
    let change = match run_once(service, handler, &job, lease.clone()).await {
        Ok(Outcome::Committed { .. }) => {
            held.ended();
            metrics::counter!("baedal_jobs_total", "context" => service.name(), "outcome" => "done").increment(1);
            return;
        }
        Ok(Outcome::Conflict) => {
            // The aggregate moved on, or the lease was lost. Soon again, with a fresh look.
            let wait = if job.attempt <= EAGER_ATTEMPTS { Duration::ZERO } else { retry.wait_after(job.attempt) };
            let error = "somebody else changed the same at the same time".to_owned();
            JobChange::Retry { lease, run_at: service.clock().now() + wait, error }
        }
        Err(failure) => failed(service, &job, lease, retry, &failure),
    };
    record(service, &job, change).await;
    held.ended();
}

/// The job's work and its end, in one commit.
async fn run_once(
    service: &Service,
    handler: Option<&Arc<dyn JobHandler>>,
    job: &Job,
    lease: Lease,
) -> Result<Outcome, Failure> {
    let handler = handler.ok_or_else(|| Failure::broken(format!("nobody does jobs of kind {}", job.kind)))?;
    let run = async {
        if handler.is_deadline(&job.kind) {
            all_is_heard(service, job).await?;
        }
        let mut work = service.work(origin(service, job));
        work.not_before(job.run_at);
        if job.attempt > 1 {
            work.bypass_caches();
        }
        work.change_job(JobChange::Finish(lease));
        handler.run(job, &mut work).await?;
        Ok(work)
    };
    match tokio::time::timeout(LONGEST_RUN, caught(&job.kind, run)).await {
        Ok(done) => done?.commit().await,
        Err(elapsed) => Err(Failure::unavailable(format!("what {} needs", job.kind), elapsed)),
    }
}

/// What the others had published by now is handled, and nothing about the job's subject is set aside.
async fn all_is_heard(service: &Service, job: &Job) -> Result<(), Failure> {
    service.catch_up_policies().await?;
    match job.correlation {
        Some(correlation) => none_parked(service, correlation).await,
        None => Ok(()),
    }
}

/// Records what became of a job that was not done. Where the database is away it is waited for, so that the job
/// comes back soon after it and not when its lease ends; but not when the process ends: then others take it over.
async fn record(service: &Service, job: &Job, change: JobChange) {
    let given_up = tokio::time::Instant::now() + LONGEST_RUN;
    while let Err(failure) = try_record(service, &change).await {
        let ends = tokio::time::timeout(FIRST_PAUSE, service.lifecycle().stopping()).await.is_ok();
        if ends || !failure.is_transient() || tokio::time::Instant::now() > given_up {
            return not_recorded(service, job, &failure);
        }
    }
}

/// Where somebody else has the lease by now, there is nothing to record.
async fn try_record(service: &Service, change: &JobChange) -> Result<(), Failure> {
    let record = Commit { jobs: vec![change.clone()], ..Commit::default() };
    service.database().commit(record).await.map(drop)
}

fn not_recorded(service: &Service, job: &Job, failure: &Failure) {
    tracing::warn!(
        context = service.name(),
        kind = job.kind,
        key = job.key,
        error = failure.report(),
        "a failed job could not be recorded; it comes back when its lease ends"
    );
}

fn failed(service: &Service, job: &Job, lease: Lease, retry: Retry, failure: &Failure) -> JobChange {
    let error = failure.report();
    let order_id = job.correlation.map(tracing::field::display);
    if retry.max_attempts.is_some_and(|most| job.attempt >= most) && !failure.is_transient() {
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
