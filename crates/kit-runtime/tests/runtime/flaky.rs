//! A database that goes away and comes back, and what the runtime does meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::database::{
    BehindLetter, Commit, DeadLetter, Document, KeptCursor, LeasedJob, Outcome, Query, TagRange,
};
use baedal_kit::epochs::{Cursor, Epochs};
use baedal_kit::feeds::Feeds;
use baedal_kit::time::Clock;
use baedal_kit::{Database, Failure, Job, Origin, Recorded};
use jiff::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;

use crate::world::{FRESH, Shelver, Staleness, World, fill, heard_all, jar_once, start, until};

#[derive(Default)]
struct Flaky {
    inner: MemoryDatabase,
    is_away: AtomicBool,
    /// Commits, but loses the answer.
    is_mute: AtomicBool,
    /// Goes away when jobs have been leased.
    goes_after_lease: AtomicBool,
    refused: watch::Sender<u32>,
}

impl Flaky {
    fn there(&self) -> Result<&MemoryDatabase, Failure> {
        if self.is_away.load(Ordering::SeqCst) {
            self.refused.send_modify(|count| *count += 1);
            return Err(Failure::unavailable("the database", "it is away"));
        }
        Ok(&self.inner)
    }
}

#[async_trait]
impl Database for Flaky {
    async fn commit(&self, commit: Commit) -> Result<Outcome, Failure> {
        let outcome = self.there()?.commit(commit).await?;
        if self.is_mute.swap(false, Ordering::SeqCst) {
            self.refused.send_modify(|count| *count += 1);
            return Err(Failure::unavailable("the database", "the answer was lost"));
        }
        Ok(outcome)
    }
    async fn load(&self, stream: &str, after_version: u64) -> Result<Vec<Recorded>, Failure> {
        self.there()?.load(stream, after_version).await
    }
    async fn published(&self, after: u64, limit: usize) -> Result<Vec<Recorded>, Failure> {
        self.there()?.published(after, limit).await
    }
    fn head(&self) -> watch::Receiver<u64> {
        self.inner.head()
    }
    async fn cursor(&self, consumer: &str, source: &str, shard: u16) -> Result<Cursor, Failure> {
        self.there()?.cursor(consumer, source, shard).await
    }

    fn epochs(&self) -> watch::Receiver<Arc<Epochs>> {
        self.inner.epochs()
    }

    async fn cursors(&self) -> Result<Vec<KeptCursor>, Failure> {
        self.there()?.cursors().await
    }
    async fn get(&self, view: &str, id: &str) -> Result<Option<Document>, Failure> {
        self.there()?.get(view, id).await
    }
    async fn list(&self, view: &str, query: Query) -> Result<Vec<Document>, Failure> {
        self.there()?.list(view, query).await
    }
    async fn lease(&self, now: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<LeasedJob>, Failure> {
        let leased = self.there()?.lease(now, until, limit).await?;
        if !leased.is_empty() && self.goes_after_lease.swap(false, Ordering::SeqCst) {
            self.is_away.store(true, Ordering::SeqCst);
        }
        Ok(leased)
    }
    async fn next_due(&self) -> Result<Option<Timestamp>, Failure> {
        self.there()?.next_due().await
    }
    fn jobs_changed(&self) -> watch::Receiver<u64> {
        self.inner.jobs_changed()
    }
    async fn list_by_tag(&self, view: &str, range: TagRange, limit: usize) -> Result<Vec<(String, Document)>, Failure> {
        self.there()?.list_by_tag(view, range, limit).await
    }
    async fn dead_letters(&self, after: Option<BehindLetter>, limit: usize) -> Result<Vec<DeadLetter>, Failure> {
        self.there()?.dead_letters(after, limit).await
    }
    fn feeds(&self) -> &Feeds {
        self.inner.feeds()
    }
    async fn ping(&self) -> Result<(), Failure> {
        self.there()?.ping().await
    }
}

#[tokio::test]
async fn who_hears_waits_for_the_database_and_goes_on() {
    let flaky = Arc::new(Flaky::default());
    let world = World::over(Arc::<MemoryDatabase>::default(), Arc::clone(&flaky) as Arc<dyn Database>);
    let (kitchen, pantry) = world.wake();
    start(&pantry, vec![Arc::new(Shelver::default())], vec![], vec![Arc::new(Staleness)]).await;
    let jar = Uuid::now_v7();
    fill(&kitchen, jar, 1).await;
    heard_all(&pantry, "shelver").await;
    let mut refused = flaky.refused.subscribe();
    flaky.is_away.store(true, Ordering::SeqCst);
    fill(&kitchen, jar, 2).await;
    refused.changed().await.unwrap();
    flaky.is_away.store(false, Ordering::SeqCst);
    heard_all(&pantry, "shelver").await;
    assert_eq!(jar_once(&pantry, jar, |_| true).await.cookies, 3);
}

#[tokio::test]
async fn an_answer_that_was_lost_does_nothing_twice() {
    let flaky = Arc::new(Flaky::default());
    let world = World::over(Arc::<MemoryDatabase>::default(), Arc::clone(&flaky) as Arc<dyn Database>);
    let (kitchen, pantry) = world.wake();
    start(&pantry, vec![Arc::new(Shelver::default())], vec![], vec![Arc::new(Staleness)]).await;
    let jar = Uuid::now_v7();
    flaky.is_mute.store(true, Ordering::SeqCst);
    fill(&kitchen, jar, 2).await;
    heard_all(&pantry, "shelver").await;
    assert!(!flaky.is_mute.load(Ordering::SeqCst));
    assert_eq!(jar_once(&pantry, jar, |_| true).await.cookies, 2);
}

#[tokio::test]
async fn jobs_wait_for_the_database_and_go_on() {
    let flaky = Arc::new(Flaky::default());
    let world = World::over(Arc::clone(&flaky) as Arc<dyn Database>, Arc::<MemoryDatabase>::default());
    let (kitchen, _) = world.wake();
    start(&kitchen, vec![], vec![], vec![Arc::new(Staleness)]).await;
    let jar = Uuid::now_v7();
    fill(&kitchen, jar, 2).await;
    let mut refused = flaky.refused.subscribe();
    flaky.is_away.store(true, Ordering::SeqCst);
    world.clock.advance(FRESH);
    refused.changed().await.unwrap();
    flaky.is_away.store(false, Ordering::SeqCst);
    jar_once(&kitchen, jar, |jar| jar.is_stale).await;
    until(async || flaky.inner.next_due().await.unwrap().is_none()).await;
}

#[tokio::test]
async fn jobs_that_were_taken_when_the_database_went_come_again_with_it() {
    let flaky = Arc::new(Flaky::default());
    let world = World::over(Arc::clone(&flaky) as Arc<dyn Database>, Arc::<MemoryDatabase>::default());
    let (kitchen, _) = world.wake();
    start(&kitchen, vec![], vec![], vec![Arc::new(Staleness)]).await;
    let jar = Uuid::now_v7();
    fill(&kitchen, jar, 2).await;
    let mut refused = flaky.refused.subscribe();
    flaky.goes_after_lease.store(true, Ordering::SeqCst);
    world.clock.advance(FRESH);
    // When the next is due cannot be asked, and that this one is given up cannot be recorded.
    refused.wait_for(|refused| *refused >= 2).await.unwrap();
    flaky.is_away.store(false, Ordering::SeqCst);
    // The clock stands still: its lease does not end.
    jar_once(&kitchen, jar, |jar| jar.is_stale).await;
}

#[tokio::test]
async fn a_job_that_was_taken_by_a_commit_whose_answer_was_lost_is_done_soon() {
    let flaky = Arc::new(Flaky::default());
    let world = World::over(Arc::clone(&flaky) as Arc<dyn Database>, Arc::<MemoryDatabase>::default());
    let (kitchen, _) = world.wake();
    start(&kitchen, vec![], vec![], vec![Arc::new(Staleness)]).await;
    let (jar, other) = (Uuid::now_v7(), Uuid::now_v7());
    let stale = |jar| Job::new("stale", jar, world.clock.now()).about(jar);
    for (jar, is_mute) in [(other, false), (jar, true)] {
        fill(&kitchen, jar, 2).await;
        flaky.is_mute.store(is_mute, Ordering::SeqCst);
        let mut work = kitchen.work(Origin::none());
        work.schedule(stale(jar));
        assert_eq!(work.commit().await.is_err_and(|failure| failure.is_transient()), is_mute);
        // The clock stands still: the lease does not end. (After the first, it is known that jobs are waited for.)
        jar_once(&kitchen, jar, |jar| jar.is_stale).await;
    }
}
