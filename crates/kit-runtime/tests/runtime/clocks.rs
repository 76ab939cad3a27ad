//! Clocks that are set back, and replicas whose clocks differ: jobs are done once, and none is forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_trait::async_trait;
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::database::{Commit, JobChange};
use baedal_kit::ids::SystemIds;
use baedal_kit::scenario::NOON;
use baedal_kit::time::{Clock, Instant, ManualClock};
use baedal_kit::{Database, Failure, Job};
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::lifecycle::Lifecycle;
use baedal_kit_runtime::{JobHandler, Service, UnitOfWork, jobs};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;

use crate::world::{dead_letters, until};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const FIVE: SignedDuration = SignedDuration::from_mins(5);

/// A clock that is set back by an hour whenever somebody looks at it, once it has begun to.
#[derive(Clone)]
struct Falling(ManualClock, Arc<AtomicBool>);

#[async_trait]
impl Clock for Falling {
    fn now(&self) -> Timestamp {
        let now = self.0.now();
        if self.1.load(Ordering::SeqCst) {
            self.0.step(-HOUR);
        }
        now
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.0.sleep_until(at).await;
    }

    fn monotonic(&self) -> Instant {
        self.0.monotonic()
    }

    async fn sleep_until_instant(&self, at: Instant) {
        self.0.sleep_until_instant(at).await;
    }
}

/// Rings when its time has come, as a deadline does that looks at what time it is; else it is forgotten.
struct Bell {
    due: Timestamp,
    rung: Arc<AtomicU32>,
}

#[async_trait]
impl JobHandler for Bell {
    fn kinds(&self) -> &'static [&'static str] {
        &["ring"]
    }

    async fn run(&self, _job: &Job, work: &mut UnitOfWork) -> Result<(), Failure> {
        self.rung.fetch_add(u32::from(work.at() >= self.due), Ordering::SeqCst);
        Ok(())
    }
}

fn replica(database: &Arc<MemoryDatabase>, clock: impl Clock) -> Service {
    let database = Arc::clone(database) as Arc<dyn Database>;
    let bus = Arc::new(JournalBus::default());
    Service::new("kitchen", database, bus, Arc::new(clock), Arc::new(SystemIds), Lifecycle::default())
}

async fn schedule(database: &MemoryDatabase, job: Job) {
    database.commit(Commit { jobs: vec![JobChange::Schedule(job)], ..Commit::default() }).await.unwrap();
}

#[tokio::test]
async fn what_a_deadline_decides_is_never_decided_before_it_was_due() {
    let (database, clock) = (Arc::new(MemoryDatabase::default()), ManualClock::at(NOON + MINUTE));
    let rung = Arc::new(AtomicU32::new(0));
    let bell: Vec<Arc<dyn JobHandler>> = vec![Arc::new(Bell { due: NOON + MINUTE, rung: Arc::clone(&rung) })];
    schedule(&database, Job::new("ring", 1, NOON + MINUTE)).await;
    // It is leased when it is due, and run when the clock says that it is not.
    let falling = Falling(clock, Arc::default());
    let service = replica(&database, falling.clone());
    falling.1.store(true, Ordering::SeqCst);
    let done = jobs::run_due(&service, &bell).await.unwrap();
    assert_eq!((done, rung.load(Ordering::SeqCst)), (1, 1));
    assert_eq!(database.next_due().await.unwrap(), None);
}

/// Counts how often it is done, and is held up meanwhile.
struct Slow {
    begun: Arc<AtomicU32>,
    gate: Arc<Semaphore>,
}

#[async_trait]
impl JobHandler for Slow {
    fn kinds(&self) -> &'static [&'static str] {
        &["slow"]
    }

    async fn run(&self, job: &Job, work: &mut UnitOfWork) -> Result<(), Failure> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        drop(self.gate.acquire().await);
        // What it does inside the database happens once, whoever gets there first.
        let count: u32 = work.document("counts", &job.key).await?.unwrap_or(0);
        work.put("counts", &job.key, &(count + 1), [])
    }
}

#[tokio::test]
async fn a_job_under_way_that_looks_left_behind_to_a_clock_that_is_ahead_happens_once() {
    let (database, clock) = (Arc::new(MemoryDatabase::default()), ManualClock::at(NOON));
    let (begun, gate) = (Arc::new(AtomicU32::new(0)), Arc::new(Semaphore::new(0)));
    let handlers =
        || -> Vec<Arc<dyn JobHandler>> { vec![Arc::new(Slow { begun: Arc::clone(&begun), gate: Arc::clone(&gate) })] };
    schedule(&database, Job::new("slow", "one", NOON)).await;
    let run = |clock: &ManualClock| {
        let (service, handlers) = (replica(&database, clock.clone()), handlers());
        tokio::spawn(async move { jobs::run_due(&service, &handlers).await })
    };
    let first = run(&clock);
    until(async || begun.load(Ordering::SeqCst) == 1).await;
    let second = run(&clock.ahead_by(FIVE));
    until(async || begun.load(Ordering::SeqCst) == 2).await;
    gate.add_permits(2);
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    let count = database.get("counts", "one").await.unwrap().unwrap();
    assert_eq!(count.body, b"1");
    assert_eq!(database.next_due().await.unwrap(), None, "and it is over");
}

#[tokio::test]
async fn a_deadline_waits_for_the_wall_clock_and_comes_when_that_is_set_forward() {
    let (database, clock) = (Arc::new(MemoryDatabase::default()), ManualClock::at(NOON));
    let service = replica(&database, clock.clone());
    let rung = Arc::new(AtomicU32::new(0));
    let bell = Bell { due: NOON + MINUTE, rung: Arc::clone(&rung) };
    let running = tokio::spawn(jobs::run(service.clone(), vec![Arc::new(bell)]));
    schedule(&database, Job::new("ring", 1, NOON + MINUTE)).await;
    clock.step(-FIVE);
    clock.advance(FIVE);
    // Five minutes have passed, and the clock shows noon.
    assert_eq!(rung.load(Ordering::SeqCst), 0);
    clock.step(2 * MINUTE);
    until(async || rung.load(Ordering::SeqCst) == 1).await;
    assert!(dead_letters(&service).await.is_empty());
    service.lifecycle().drain();
    running.await.unwrap();
}
