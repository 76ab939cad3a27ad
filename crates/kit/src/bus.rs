//! Published events, read in order from their source.
//!
//! A source is a context's journal. Its events are cut into shards by order, so that several replicas of
//! a consumer can share the work and one order's events still come in order; in one process there is one
//! shard. [`JournalBus`] reads the journals of the same process directly.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::failure::caught;
use crate::message::{Envelope, Recorded};
use crate::{Database, Failure};

/// How many published events of a source are remembered, so that its consumers do not each read the
/// database for the same ones.
const REMEMBERED: usize = 2048;

/// A stretch of a shard.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The published events in it, in order.
    pub envelopes: Vec<Arc<Envelope>>,
    /// The position it reaches to, private events included.
    pub upto: u64,
}

/// The kind of an envelope whose event exists but could not be turned into the public one. Whoever hears it
/// sets it aside and asks the source again later; its data is `{"error": …}`.
pub(crate) const UNPUBLISHABLE: &str = "unpublishable";

/// Where published events come from.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// How many shards a source is cut into.
    fn shards(&self) -> u16;

    /// A stretch of a shard behind a position: at the most `limit` positions of it. An empty stretch
    /// reaches to `after`.
    async fn read(&self, source: &str, shard: u16, after: u64, limit: usize) -> Result<Batch, Failure>;

    /// A source's last position, and every later one; stays at 0 for a source that is not there.
    fn head(&self, source: &str) -> watch::Receiver<u64>;
}

/// Turns a recorded event into the public one, where it is published.
pub type Publish = fn(&Recorded) -> Result<Option<Public>, Failure>;

/// A public event, ready to travel.
#[derive(Debug)]
pub struct Public {
    kind: &'static str,
    data: Box<serde_json::value::RawValue>,
}

/// Publishes with `publish`, which maps a private event of `recorded` to a public one.
///
/// # Errors
/// [`Failure::Broken`] where the recorded event cannot be read or the public one not be written.
pub fn publish_with<Private, PublicEvent>(
    recorded: &Recorded,
    publish: impl FnOnce(Private) -> Result<Option<PublicEvent>, Failure>,
) -> Result<Option<Public>, Failure>
where
    Private: DeserializeOwned,
    PublicEvent: Serialize,
    for<'e> &'e PublicEvent: Into<&'static str>,
{
    let Some(event) = publish(recorded.read()?)? else { return Ok(None) };
    let data = serde_json::value::to_raw_value(&event)
        .map_err(|error| Failure::broken_by(format!("{} cannot be published", recorded.kind), error))?;
    Ok(Some(Public { kind: (&event).into(), data }))
}

/// The bus of one process: reads the journals of the contexts in it.
#[derive(Default)]
pub struct JournalBus {
    sources: HashMap<&'static str, Source>,
    nobody: watch::Sender<u64>,
}

struct Source {
    name: &'static str,
    database: Arc<dyn Database>,
    publish: Publish,
    tail: Mutex<Tail>,
    /// Held by whoever reads on behind the tail, so that those who are woken together do not all read.
    reading: tokio::sync::Mutex<()>,
}

/// The published events read last: all of those behind `from`, up to `upto`.
#[derive(Default)]
struct Tail {
    from: u64,
    upto: u64,
    envelopes: VecDeque<Arc<Envelope>>,
}

impl JournalBus {
    /// With one more source.
    #[must_use]
    pub fn with(mut self, name: &'static str, database: Arc<dyn Database>, publish: Publish) -> Self {
        self.sources.insert(
            name,
            Source { name, database, publish, tail: Mutex::default(), reading: tokio::sync::Mutex::default() },
        );
        self
    }
}

#[async_trait]
impl Bus for JournalBus {
    fn shards(&self) -> u16 {
        1
    }

    async fn read(&self, source: &str, _shard: u16, after: u64, limit: usize) -> Result<Batch, Failure> {
        let Some(source) = self.sources.get(source) else {
            return Ok(Batch { envelopes: Vec::new(), upto: after });
        };
        if *source.database.head().borrow() <= after {
            return Ok(Batch { envelopes: Vec::new(), upto: after });
        }
        if let Some(batch) = source.remembered(after, limit) {
            return Ok(batch);
        }
        let _reading = if source.is_near(after) { Some(source.reading.lock().await) } else { None };
        if let Some(batch) = source.remembered(after, limit) {
            return Ok(batch);
        }
        let recorded = source.database.published(after, limit).await?;
        let mut batch = Batch { envelopes: Vec::with_capacity(recorded.len()), upto: after };
        for event in &recorded {
            batch.upto = event.position;
            if let Some(public) = source.publish(event).await? {
                batch.envelopes.push(Arc::new(envelope(source.name, event, public)));
            }
        }
        source.remember(after, &batch);
        Ok(batch)
    }

    fn head(&self, source: &str) -> watch::Receiver<u64> {
        self.sources.get(source).map_or_else(|| self.nobody.subscribe(), |source| source.database.head())
    }
}

impl Source {
    /// The public event. One that cannot be made must not hold up those behind it: it travels as
    /// [`UNPUBLISHABLE`].
    async fn publish(&self, event: &Recorded) -> Result<Option<Public>, Failure> {
        let failure = match caught("publishing", async { (self.publish)(event) }).await {
            Err(failure) if !failure.is_passing() => failure,
            published => return published,
        };
        let error = failure.story();
        tracing::error!(
            source = self.name,
            position = event.position,
            kind = event.kind,
            order_id = event.correlation.map(tracing::field::display),
            error,
            "an event cannot be published; those who hear it set it aside"
        );
        metrics::counter!("baedal_unpublishable_events_total", "source" => self.name).increment(1);
        let data = serde_json::value::to_raw_value(&serde_json::json!({ "error": error }))
            .map_err(|error| Failure::broken_by("a failure cannot be written", error))?;
        Ok(Some(Public { kind: UNPUBLISHABLE, data }))
    }

    /// Whether a reader is where news comes, rather than far behind.
    fn is_near(&self, after: u64) -> bool {
        after >= self.tail.lock().unwrap_or_else(PoisonError::into_inner).from
    }

    fn remembered(&self, after: u64, limit: usize) -> Option<Batch> {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        if after < tail.from || after >= tail.upto {
            return None;
        }
        let begin = tail.envelopes.partition_point(|envelope| envelope.position <= after);
        let envelopes: Vec<_> = tail.envelopes.iter().skip(begin).take(limit).cloned().collect();
        let upto = if begin + envelopes.len() == tail.envelopes.len() {
            tail.upto
        } else {
            envelopes.last().map_or(tail.upto, |last| last.position)
        };
        Some(Batch { envelopes, upto })
    }

    fn remember(&self, after: u64, batch: &Batch) {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        if batch.upto <= tail.upto {
            return;
        }
        if after != tail.upto {
            *tail = Tail { from: after, upto: after, envelopes: VecDeque::new() };
        }
        tail.upto = batch.upto;
        tail.envelopes.extend(batch.envelopes.iter().cloned());
        while tail.envelopes.len() > REMEMBERED {
            if let Some(dropped) = tail.envelopes.pop_front() {
                tail.from = dropped.position;
            }
        }
    }
}

fn envelope(source: &'static str, event: &Recorded, public: Public) -> Envelope {
    Envelope {
        id: event.id,
        source: source.to_owned(),
        position: event.position,
        kind: public.kind.to_owned(),
        at: event.at,
        correlation: event.correlation,
        command: event.command.clone(),
        origin: Arc::clone(&event.origin),
        data: public.data,
    }
}
