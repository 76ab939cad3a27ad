//! A small world: a source with a journal in memory, its relay, a broker, and somebody who listens.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use baedal_kit::bus::{Archive, Batch, Public, publish_with, shard_of};
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::database::{
    Append, BehindLetter, Commit, Database, DeadLetter, Document, KeptCursor, LeasedJob, NewEvent, Outcome, Query,
    TagRange,
};
use baedal_kit::epochs::{Cursor, Epochs, Extent};
use baedal_kit::feeds::Feeds;
use baedal_kit::ids::SystemIds;
use baedal_kit::time::{Clock, SystemClock};
use baedal_kit::{Bus, Cause, CauseKind, Envelope, Failure, Origin, Recorded};
use baedal_kit_nats::{Nats, NatsBus, Settings, connect, relay};
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::Service;
use baedal_kit_runtime::lifecycle::Lifecycle;
use baedal_servers::testing::programs;
use baedal_servers::{CONTEXTS, NatsOptions};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::sync::watch;
use uuid::Uuid;

pub(crate) const SHARDS: u16 = 4;
pub(crate) const SOURCE: &str = "order";
/// Nothing here takes as long, unless it never comes.
const PATIENCE: Duration = Duration::from_secs(40);

/// What happens in this world.
#[derive(Clone, Debug, Serialize, Deserialize, strum::IntoStaticStr)]
pub(crate) enum Event {
    /// Others hear of it.
    Said { text: String },
    /// Nobody does.
    Thought,
}

/// A private event never is.
fn publish(recorded: &Recorded) -> Result<Option<Public>, Failure> {
    publish_with(recorded, |event: Event| Ok(matches!(event, Event::Said { .. }).then_some(event)))
}

/// A source.
pub(crate) struct World {
    pub(crate) broker: baedal_servers::Nats,
    pub(crate) nats: Nats,
    pub(crate) database: Arc<Moody>,
    pub(crate) journal: Arc<JournalBus>,
    pub(crate) archive: Arc<Source>,
    pub(crate) lifecycle: Lifecycle,
    _folder: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let broker = baedal_servers::Nats::start(programs(), folder.path()).expect("a broker");
        let nats = connect(settings(&broker.url())).await.expect("settings");
        Self::on(broker, nats, folder)
    }

    /// With a broker that lets in the contexts' users only; the world is the source's.
    pub(crate) async fn of_users() -> Self {
        let folder = TempDir::new().expect("a folder");
        let passwords = CONTEXTS.map(|context| (context, password(context))).into();
        let options = NatsOptions { passwords, ..NatsOptions::default() };
        let broker = baedal_servers::Nats::start_with(programs(), folder.path(), options).expect("a broker");
        let nats = connect(settings_of(&broker.url(), SOURCE)).await.expect("settings");
        Self::on(broker, nats, folder)
    }

    fn on(broker: baedal_servers::Nats, nats: Nats, folder: TempDir) -> Self {
        let database = Arc::new(Moody::default());
        let known = Arc::clone(&database) as Arc<dyn Database>;
        let journal = Arc::new(JournalBus::sharded(SHARDS).with(SOURCE, known, publish));
        let archive = Arc::new(Source::of(&journal));
        Self { broker, nats, database, journal, archive, lifecycle: Lifecycle::default(), _folder: folder }
    }

    /// With its relay at work.
    pub(crate) async fn relayed() -> Self {
        let world = Self::new().await;
        world.relay();
        world
    }

    /// One more process that relays. It stops when what is returned is dropped or says so.
    pub(crate) fn relay(&self) -> tokio::task::JoinHandle<()> {
        let database = Arc::clone(&self.database) as Arc<dyn Database>;
        let bus = Arc::clone(&self.journal) as Arc<dyn Bus>;
        let lifecycle = self.lifecycle.clone();
        let service = Service::new(SOURCE, database, bus, Arc::new(SystemClock), Arc::new(SystemIds), lifecycle);
        let (leads, leading) = watch::channel(true);
        let (journal, nats) = (Arc::clone(&self.journal), self.nats.clone());
        tokio::spawn(async move {
            relay(service, journal, nats, leading).await;
            drop(leads);
        })
    }

    /// Somebody who hears these shards, from the beginning.
    pub(crate) fn listener(&self, shards: &[u16]) -> Listener {
        Listener::new(&self.nats, Arc::clone(&self.archive) as Arc<dyn Archive>, shards, &self.lifecycle)
    }

    /// So many events, each about something else, among them some that are nobody's business.
    pub(crate) async fn tell(&self, count: usize) {
        for number in 0..count {
            self.happen(Event::Said { text: format!("한마디 {number}") }).await;
            if number % 3 == 0 {
                self.happen(Event::Thought).await;
            }
        }
    }

    /// One event; where it is in the journal, and in which shard.
    pub(crate) async fn happen(&self, event: Event) -> (u64, u16) {
        let stream = format!("order/{}", Uuid::now_v7());
        let cause = Cause { kind: CauseKind::Request, id: Uuid::now_v7(), name: "POST /말하기 \"%\"".to_owned() };
        let recorded = NewEvent {
            id: Uuid::now_v7(),
            kind: (&event).into(),
            data: serde_json::to_vec(&event).expect("JSON"),
            at: SystemClock.now(),
            correlation: Some(Uuid::now_v7()),
            command: "Say",
            origin: Arc::new(Origin { cause, actor: Some(Uuid::now_v7()), traceparent: Some("00-a-b-01".to_owned()) }),
        };
        let shard = shard_of(&stream, SHARDS);
        let append = Append { stream, expected_version: 0, events: vec![recorded] };
        let outcome = self.database.commit(Commit { appends: vec![append], ..Commit::default() }).await;
        match outcome.expect("a database") {
            Outcome::Committed { position } => (position, shard),
            Outcome::Conflict => panic!("a stream of its own cannot conflict"),
        }
    }

    /// Waits until all of the journal is in the stream, acknowledged.
    pub(crate) async fn all_relayed(&self) {
        let head = *self.database.head().borrow();
        let mut heads = self.nats_client().await.subscribe(format!("baedal.heads.{SOURCE}")).await.expect("heads");
        let said = async {
            use futures::StreamExt;
            while let Some(message) = heads.next().await {
                let said: serde_json::Value = serde_json::from_slice(&message.payload).expect("JSON");
                if said["upto"].as_u64() >= Some(head) {
                    return;
                }
            }
        };
        within("the relay", said).await;
    }

    /// A client of our own, to look at what the broker has and to play tricks.
    pub(crate) async fn nats_client(&self) -> async_nats::Client {
        async_nats::connect(self.broker.url()).await.expect("a broker")
    }

    pub(crate) async fn stream(&self) -> async_nats::jetstream::stream::Stream {
        let jetstream = async_nats::jetstream::new(self.nats_client().await);
        jetstream.get_stream("BAEDAL_ORDER").await.expect("a stream")
    }

    /// What everybody should have heard.
    pub(crate) async fn said(&self) -> Vec<u64> {
        let all = self.database.published(0, 1_000_000).await.expect("a database");
        all.iter().filter(|event| event.kind == "Said").map(|event| event.position).collect()
    }
}

pub(crate) fn settings(url: &str) -> Settings {
    let doubt_after = SignedDuration::from_millis(300);
    Settings { urls: vec![url.to_owned()], doubt_after, ..Settings::default() }
}

/// A context's password.
pub(crate) fn password(context: &str) -> String {
    format!("n-{context}-password")
}

/// As the user of a context.
pub(crate) fn settings_of(url: &str, context: &str) -> Settings {
    Settings { user: Some(context.to_owned()), password: password(context).into(), ..settings(url) }
}

/// Waits for something that must come.
pub(crate) async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => panic!("{what} did not come"),
    }
}

/// Hears, and remembers what it heard and how far it is, as a consumer does.
pub(crate) struct Listener {
    pub(crate) bus: Arc<NatsBus>,
    pub(crate) cursors: BTreeMap<u16, u64>,
    pub(crate) heard: Vec<Arc<Envelope>>,
}

impl Listener {
    pub(crate) fn new(nats: &Nats, archive: Arc<dyn Archive>, shards: &[u16], lifecycle: &Lifecycle) -> Self {
        let bus = Arc::new(NatsBus::new(nats, &[SOURCE], SHARDS, archive, lifecycle));
        bus.hear_shards(shards);
        let cursors = shards.iter().map(|shard| (*shard, 0)).collect();
        Self { bus, cursors, heard: Vec::new() }
    }

    /// Reads until it has heard so many, in order and none twice.
    pub(crate) async fn hears(&mut self, count: usize) {
        let mut head = self.bus.head(SOURCE);
        let already = self.heard.len();
        let reading = async {
            while self.heard.len() < already + count {
                head.mark_unchanged();
                if !self.read().await {
                    head.changed().await.expect("a bus");
                }
            }
        };
        within(&format!("all of {count} events"), reading).await;
        assert_eq!(self.heard.len(), already + count, "more came than was said");
    }

    /// Reads once. Whether there was anything.
    pub(crate) async fn read(&mut self) -> bool {
        let mut is_news = false;
        for (shard, cursor) in &mut self.cursors {
            let batch = match self.bus.read(SOURCE, *shard, *cursor, 256).await {
                Ok(batch) => batch,
                Err(failure) => {
                    assert!(failure.is_transient(), "{}", failure.report());
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    is_news = true;
                    continue;
                }
            };
            is_news |= batch.upto > *cursor;
            for envelope in &batch.envelopes {
                assert!(envelope.position > *cursor, "{} comes after {cursor}", envelope.position);
                assert_eq!((shard_of(&envelope.stream, SHARDS), &*envelope.source), (*shard, SOURCE));
                *cursor = envelope.position;
            }
            assert!(batch.upto >= *cursor);
            *cursor = batch.upto;
            self.heard.extend(batch.envelopes);
        }
        is_news
    }

    pub(crate) fn positions(&self) -> Vec<u64> {
        let mut positions: Vec<_> = self.heard.iter().map(|envelope| envelope.position).collect();
        positions.sort_unstable();
        positions
    }
}

/// The source's own journal, which may be out of reach, and counts who reads it.
pub(crate) struct Source {
    journal: Arc<JournalBus>,
    pub(crate) is_away: AtomicBool,
    pub(crate) reads: AtomicU64,
    /// The positions that were asked for.
    pub(crate) asked: Mutex<Vec<u64>>,
}

impl Source {
    fn of(journal: &Arc<JournalBus>) -> Self {
        let (is_away, reads, asked) = Default::default();
        Self { journal: Arc::clone(journal), is_away, reads, asked }
    }

    pub(crate) fn go(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }

    fn here(&self) -> Result<&JournalBus, Failure> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(Failure::unavailable("the source", "it is away"));
        }
        Ok(&self.journal)
    }
}

#[async_trait]
impl Archive for Source {
    async fn read(&self, source: &str, shard: u16, after: u64, limit: usize) -> Result<Batch, Failure> {
        let journal = self.here()?;
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.asked.lock().expect("a lock").push(after);
        Bus::read(journal, source, shard, after, limit).await
    }

    async fn extent(&self, source: &str) -> Result<Extent, Failure> {
        self.here()?.extent(source).await
    }
}

/// A database whose cursors can be made to stand still.
#[derive(Default)]
pub(crate) struct Moody {
    database: MemoryDatabase,
    pub(crate) refuses_marks: AtomicBool,
    pub(crate) refused: AtomicU64,
}

impl Moody {
    /// Goes back to an earlier state, as a database that is restored.
    pub(crate) fn restore(&self, position: u64) {
        self.database.restore(position);
    }
}

#[async_trait]
impl Database for Moody {
    async fn commit(&self, commit: Commit) -> Result<Outcome, Failure> {
        if !commit.cursors.is_empty() && self.refuses_marks.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(Failure::unavailable("the database", "it crashed"));
        }
        self.database.commit(commit).await
    }

    async fn load(&self, stream: &str, after_version: u64) -> Result<Vec<Recorded>, Failure> {
        self.database.load(stream, after_version).await
    }

    async fn published(&self, after: u64, limit: usize) -> Result<Vec<Recorded>, Failure> {
        self.database.published(after, limit).await
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.database.head()
    }

    fn epochs(&self) -> watch::Receiver<Arc<Epochs>> {
        self.database.epochs()
    }

    async fn cursor(&self, consumer: &str, source: &str, shard: u16) -> Result<Cursor, Failure> {
        self.database.cursor(consumer, source, shard).await
    }

    async fn cursors(&self) -> Result<Vec<KeptCursor>, Failure> {
        self.database.cursors().await
    }

    async fn get(&self, view: &str, id: &str) -> Result<Option<Document>, Failure> {
        self.database.get(view, id).await
    }

    async fn list(&self, view: &str, query: Query) -> Result<Vec<Document>, Failure> {
        self.database.list(view, query).await
    }

    async fn lease(&self, now: Timestamp, until: Timestamp, limit: usize) -> Result<Vec<LeasedJob>, Failure> {
        self.database.lease(now, until, limit).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Failure> {
        self.database.next_due().await
    }

    fn jobs_changed(&self) -> watch::Receiver<u64> {
        self.database.jobs_changed()
    }

    async fn list_by_tag(&self, view: &str, range: TagRange, limit: usize) -> Result<Vec<(String, Document)>, Failure> {
        self.database.list_by_tag(view, range, limit).await
    }

    async fn dead_letters(&self, after: Option<BehindLetter>, limit: usize) -> Result<Vec<DeadLetter>, Failure> {
        self.database.dead_letters(after, limit).await
    }

    fn feeds(&self) -> &Feeds {
        self.database.feeds()
    }

    async fn ping(&self) -> Result<(), Failure> {
        self.database.ping().await
    }
}
