//! How fast the broker and the way over it are here: `cargo run --release -p baedal-kit-nats --example publish`.
//!
//! A message is an envelope of about a kilobyte. "Acknowledged" is by JetStream, which by default syncs its file
//! every two minutes; with `sync` it does so before it answers. "Told to heard" is from the commit of an event
//! to its reading by a consumer: journal in memory, relay, broker, shelf.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::{self, stream};
use baedal_kit::bus::{Archive, Batch, publish_with};
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::database::{Append, Commit, Database, NewEvent};
use baedal_kit::epochs::Extent;
use baedal_kit::ids::SystemIds;
use baedal_kit::time::{Clock, SystemClock};
use baedal_kit::{Bus, Failure, Origin};
use baedal_kit_nats::{Nats, NatsBus, Settings, connect, relay};
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::Service;
use baedal_kit_runtime::lifecycle::Lifecycle;
use baedal_servers::NatsOptions;
use baedal_servers::testing::programs;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

type Error = Box<dyn std::error::Error + Send + Sync>;

const WHILE: Duration = Duration::from_secs(5);
const SHARDS: u16 = 8;
const AHEAD: usize = 512;

/// Something that others hear of.
#[derive(Serialize, Deserialize, strum::IntoStaticStr)]
enum Event {
    /// It.
    Said(String),
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let folder = tempfile::TempDir::new()?;
    for sync_always in [false, true] {
        let broker = baedal_servers::Nats::start_with(
            programs(),
            folder.path(),
            NatsOptions { sync_always, ..NatsOptions::default() },
        )?;
        println!("JetStream{}:", if sync_always { ", sync" } else { "" });
        publishes(&broker.url()).await?;
        let nats = connect(Settings { urls: vec![broker.url()], ..Settings::default() }).await?;
        way(&nats).await?;
    }
    Ok(())
}

/// Bare publishes, one by one and many at once.
async fn publishes(url: &str) -> Result<(), Error> {
    let jetstream = jetstream::new(async_nats::connect(url).await?);
    let config = stream::Config { name: "BARE".into(), subjects: vec!["bare.>".into()], ..Default::default() };
    jetstream.create_stream(config).await?;
    let body = Bytes::from(vec![b'x'; 1024]);
    let (mut latencies, began) = (Vec::new(), Instant::now());
    while began.elapsed() < WHILE {
        let sent = Instant::now();
        jetstream.publish("bare.one", body.clone()).await?.await?;
        latencies.push(sent.elapsed());
    }
    println!("  one by one:    {:>7.0}/s, {}", rate(latencies.len(), began), percentiles(&mut latencies));
    let (mut count, began) = (0, Instant::now());
    let mut outstanding = VecDeque::new();
    while began.elapsed() < WHILE {
        outstanding.push_back(jetstream.publish("bare.many", body.clone()).await?);
        if outstanding.len() >= AHEAD
            && let Some(oldest) = outstanding.pop_front()
        {
            oldest.await?;
            count += 1;
        }
    }
    for rest in outstanding {
        rest.await?;
        count += 1;
    }
    println!("  {AHEAD} at once:   {:>7.0}/s", rate(count, began));
    Ok(())
}

/// From a journal to a consumer: how long one event takes at a steady pace, and how many go through.
async fn way(nats: &Nats) -> Result<(), Error> {
    let database = Arc::new(MemoryDatabase::default());
    let known = Arc::clone(&database) as Arc<dyn Database>;
    let publish = |recorded: &_| publish_with(recorded, |event: Event| Ok::<_, Failure>(Some(event)));
    let journal = Arc::new(JournalBus::sharded(SHARDS).with("order", Arc::clone(&known), publish));
    let lifecycle = Lifecycle::default();
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(SystemIds));
    let bus = Arc::clone(&journal) as Arc<dyn Bus>;
    let service = Service::new("order", known, bus, clock, ids, lifecycle.clone());
    let (leads, leading) = watch::channel(true);
    lifecycle.spawn(relay(service, Arc::clone(&journal), nats.clone(), leading));
    let bus = NatsBus::new(nats, &["order"], SHARDS, Arc::new(Nowhere), &lifecycle);
    bus.hear_shards(&(0..SHARDS).collect::<Vec<_>>());
    let mut listener = Listener { bus, cursors: [0; SHARDS as usize] };
    say(&database, 1).await?;
    listener.hears(1).await?;
    for pace in [100, 1000] {
        let every = Duration::from_secs(1) / pace;
        let telling = tokio::spawn({
            let database = Arc::clone(&database);
            async move {
                let mut ticks = tokio::time::interval(every);
                for _ in 0..pace * 5 {
                    ticks.tick().await;
                    say(&database, 1).await?;
                }
                Ok::<_, Error>(())
            }
        });
        let mut latencies = listener.hears(pace as usize * 5).await?;
        telling.await??;
        println!("  told to heard at {pace:>4}/s: {}", percentiles(&mut latencies));
    }
    let (many, began) = (50_000, Instant::now());
    let telling = tokio::spawn({
        let database = Arc::clone(&database);
        async move { say(&database, many).await }
    });
    listener.hears(many).await?;
    telling.await??;
    println!("  told to heard at most:   {:>7.0}/s", rate(many, began));
    drop(leads);
    lifecycle.stop(Duration::from_secs(1)).await;
    Ok(())
}

async fn say(database: &MemoryDatabase, count: usize) -> Result<(), Error> {
    for _ in 0..count {
        let event = Event::Said("x".repeat(700));
        let said = NewEvent {
            id: Uuid::now_v7(),
            kind: "Said",
            data: serde_json::to_vec(&event)?,
            at: SystemClock.now(),
            correlation: Some(Uuid::now_v7()),
            command: "Say",
            origin: Arc::new(Origin::none()),
        };
        let append = Append { stream: format!("order/{}", Uuid::now_v7()), expected_version: 0, events: vec![said] };
        database.commit(Commit { appends: vec![append], ..Commit::default() }).await?;
    }
    Ok(())
}

/// No source to ask: everything has to come by the broker.
struct Nowhere;

#[async_trait::async_trait]
impl Archive for Nowhere {
    async fn read(&self, _: &str, _: u16, _: u64, _: usize) -> Result<Batch, Failure> {
        Err(Failure::unavailable("the source", "there is none"))
    }

    async fn extent(&self, _: &str) -> Result<Extent, Failure> {
        Err(Failure::unavailable("the source", "there is none"))
    }
}

struct Listener {
    bus: NatsBus,
    cursors: [u64; SHARDS as usize],
}

impl Listener {
    /// Reads until it has heard so many; how long each was on its way.
    async fn hears(&mut self, count: usize) -> Result<Vec<Duration>, Error> {
        let mut head = self.bus.head("order");
        let mut latencies = Vec::with_capacity(count);
        while latencies.len() < count {
            head.mark_unchanged();
            let mut is_news = false;
            for (shard, cursor) in (0..).zip(&mut self.cursors) {
                let Ok(batch) = self.bus.read("order", shard, *cursor, 256).await else {
                    is_news = true;
                    continue;
                };
                is_news |= batch.upto > *cursor;
                *cursor = batch.upto;
                let now = SystemClock.now();
                latencies.extend(batch.envelopes.iter().map(|heard| now.duration_since(heard.at).unsigned_abs()));
            }
            if !is_news {
                head.changed().await?;
            }
        }
        Ok(latencies)
    }
}

fn rate(count: usize, began: Instant) -> f64 {
    count as f64 / began.elapsed().as_secs_f64()
}

fn percentiles(latencies: &mut [Duration]) -> String {
    latencies.sort_unstable();
    let at = |share: f64| {
        let place = ((latencies.len() as f64 * share) as usize).min(latencies.len().saturating_sub(1));
        latencies.get(place).copied().unwrap_or_default().as_secs_f64() * 1e3
    };
    format!("p50 {:.2} ms, p99 {:.2} ms, most {:.2} ms", at(0.5), at(0.99), at(1.0))
}
