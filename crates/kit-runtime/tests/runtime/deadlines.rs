//! Deadlines that decide what cannot be undone: what happened first counts first, and people get their time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use baedal_kit::bus::Batch;
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::database::{Commit, JobChange};
use baedal_kit::ids::SystemIds;
use baedal_kit::{Bus, Failure, Job};
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::lifecycle::Lifecycle;
use baedal_kit_runtime::{JobHandler, Service, UnitOfWork};
use jiff::SignedDuration;
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

use crate::world::{
    FRESH, Jar, JarCommand, POISON, Shelver, World, command, dead_letters, fill, heard_all, jar_once, publish, start,
    until,
};

/// A bus whose source may be away, and whose news may be held up.
struct Road {
    journals: JournalBus,
    is_away: AtomicBool,
    gate: Semaphore,
    /// How often the source was asked how far it is.
    asked: AtomicU32,
}

#[async_trait]
impl Bus for Road {
    fn shards(&self) -> u16 {
        self.journals.shards()
    }

    async fn read(&self, source: &str, shard: u16, after: u64, limit: usize) -> Result<Batch, Failure> {
        let _open = self.gate.acquire().await.map_err(|closed| Failure::unavailable("the road", closed))?;
        Bus::read(&self.journals, source, shard, after, limit).await
    }

    fn head(&self, source: &str) -> watch::Receiver<u64> {
        Bus::head(&self.journals, source)
    }

    async fn look_at_head(&self, source: &str) -> Result<u64, Failure> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.is_away.load(Ordering::SeqCst) {
            return Err(Failure::unavailable(source, "it is away"));
        }
        Bus::look_at_head(&self.journals, source).await
    }
}

/// Closes a jar in the pantry for good, unless the kitchen has put something into it.
struct Closing;

#[async_trait]
impl JobHandler for Closing {
    fn kinds(&self) -> &'static [&'static str] {
        &["stale"]
    }

    fn is_deadline(&self, _kind: &str) -> bool {
        true
    }

    async fn run(&self, job: &Job, work: &mut UnitOfWork) -> Result<(), Failure> {
        let jar = job.correlation.ok_or_else(|| Failure::broken("a jar without a name"))?;
        if work.load::<Jar>(&jar).await?.cookies == 1 {
            work.command::<Jar>(&jar, JarCommand::Close).await?;
        }
        Ok(())
    }
}

/// A pantry that hears the kitchen over a road.
async fn pantry(world: &World) -> (Service, Arc<Road>, Service) {
    pantry_with(world, Arc::new(Shelver::default())).await
}

async fn pantry_with(world: &World, shelver: Arc<Shelver>) -> (Service, Arc<Road>, Service) {
    let road = Arc::new(Road {
        journals: JournalBus::default().with("kitchen", Arc::clone(&world.kitchen), publish),
        is_away: AtomicBool::default(),
        gate: Semaphore::new(1),
        asked: AtomicU32::new(0),
    });
    let (bus, database): (Arc<dyn Bus>, _) = (Arc::clone(&road) as _, Arc::clone(&world.pantry));
    let clock = Arc::new(world.clock.clone());
    let pantry = Service::new("pantry", database, bus, clock, Arc::new(SystemIds), Lifecycle::default());
    start(&pantry, vec![shelver], vec![], vec![Arc::new(Closing)]).await;
    (world.wake().0, road, pantry)
}

#[tokio::test]
async fn what_was_published_before_the_deadline_is_handled_first() {
    let world = World::default();
    let (kitchen, road, pantry) = pantry(&world).await;
    let (jar, untouched) = (Uuid::now_v7(), Uuid::now_v7());
    fill(&pantry, jar, 1).await;
    fill(&pantry, untouched, 1).await;
    // The kitchen says something in time, but the news is on the road when the deadline comes.
    let held_up = road.gate.acquire().await.unwrap();
    fill(&kitchen, jar, 7).await;
    world.clock.advance(FRESH);
    until(async || road.asked.load(Ordering::SeqCst) > 0).await;
    drop(held_up);
    jar_once(&pantry, untouched, |jar| jar.is_closed).await;
    let jar = jar_once(&pantry, jar, |jar| jar.cookies == 8).await;
    assert!(!jar.is_closed);
}

#[tokio::test]
async fn while_a_source_is_away_a_deadline_is_put_off_and_never_given_up() {
    let world = World::default();
    let (_kitchen, road, pantry) = pantry(&world).await;
    let jar = Uuid::now_v7();
    fill(&pantry, jar, 1).await;
    road.is_away.store(true, Ordering::SeqCst);
    world.clock.advance(FRESH);
    // More often than a job is tried that is broken.
    for _ in 0..12 {
        let due = world.pantry.next_due().await.unwrap();
        until(async || world.pantry.next_due().await.unwrap() != due).await;
        world.clock.advance(SignedDuration::from_secs(61));
    }
    assert!(!pantry.look::<Jar>(&jar).await.unwrap().is_closed);
    assert!(dead_letters(&pantry).await.is_empty());
    road.is_away.store(false, Ordering::SeqCst);
    let closed = async || {
        world.clock.advance(SignedDuration::from_secs(61));
        pantry.look::<Jar>(&jar).await.unwrap().is_closed
    };
    until(closed).await;
    command(&pantry, jar, JarCommand::Open).await.unwrap();
}

#[tokio::test]
async fn while_an_event_about_it_is_set_aside_a_deadline_is_put_off() {
    let world = World::default();
    let shelver = Arc::new(Shelver::default());
    let (kitchen, _road, pantry) = pantry_with(&world, Arc::clone(&shelver)).await;
    let (jar, other) = (Uuid::now_v7(), Uuid::now_v7());
    fill(&pantry, jar, 1).await;
    fill(&pantry, other, 1).await;
    fill(&kitchen, jar, POISON).await;
    heard_all(&pantry, "shelver").await;
    let passes = |by| {
        world.clock.advance(by);
        world.pantry.next_due()
    };
    passes(FRESH).await.unwrap();
    jar_once(&pantry, other, |jar| jar.is_closed).await;
    until(async || {
        passes(SignedDuration::from_secs(61)).await.unwrap();
        !dead_letters(&pantry).await.is_empty()
    })
    .await;
    assert!(!pantry.look::<Jar>(&jar).await.unwrap().is_closed);
    // Its cause is mended, and an operator lets it be tried again.
    shelver.is_healed.store(true, Ordering::SeqCst);
    let job = dead_letters(&pantry).await.remove(0).job;
    let redrive = JobChange::Redrive { kind: job.kind, key: job.key, run_at: world.clock_now() };
    world.pantry.commit(Commit { jobs: vec![redrive], ..Commit::default() }).await.unwrap();
    until(async || passes(SignedDuration::from_secs(61)).await.unwrap().is_none()).await;
    let jar = pantry.look::<Jar>(&jar).await.unwrap();
    assert_eq!((jar.cookies, jar.is_closed), (POISON + 1, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_replica_that_comes_back_says_since_when_and_the_next_agree() {
    let world = World::over(Arc::<MemoryDatabase>::default(), Arc::new(MemoryDatabase::shared()));
    let come = async || {
        let pantry = world.wake().1;
        start(&pantry, vec![], vec![], vec![]).await;
        pantry
    };
    let leave = async |pantry: &Service| {
        pantry.lifecycle().drain();
        pantry.lifecycle().stop(Duration::from_secs(5)).await;
    };
    let begin = world.clock_now();
    let (one, other) = tokio::join!(come(), come());
    assert_eq!(one.serving_since().await.unwrap(), begin);
    assert_eq!(other.serving_since().await.unwrap(), begin);
    // As long as one is there, all are.
    world.clock.advance(SignedDuration::from_mins(9));
    leave(&one).await;
    let next = come().await;
    assert_eq!(next.serving_since().await.unwrap(), begin);
    leave(&other).await;
    assert_eq!(next.serving_since().await.unwrap(), begin);
    // Nobody is.
    leave(&next).await;
    world.clock.advance(SignedDuration::from_mins(9));
    let back = world.clock_now();
    let (first, second) = tokio::join!(come(), come());
    assert_eq!(first.serving_since().await.unwrap(), back);
    assert_eq!(second.serving_since().await.unwrap(), back);
    leave(&first).await;
    leave(&second).await;
}
