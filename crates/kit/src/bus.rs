//! Published events, read in order from their source.
//!
//! A source is a context's journal. Its events are cut into shards, so that several replicas of a consumer
//! can share the work and one order's events still come in order; in one process there is one shard.
//! [`JournalBus`] reads the journals of the same process directly. Where a broker carries the events, the
//! source's own journal stays what is true, and whoever misses something asks it: that is an [`Archive`].

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::epochs::{Cursor, Epoch, Epochs, Extent};
use crate::failure::caught;
use crate::message::{Envelope, Recorded};
use crate::{Database, Failure};

/// How many published events of a source are remembered, so that its consumers do not each read the
/// database for the same ones.
const REMEMBERED: usize = 2048;

/// A stretch of a shard, all of it of one epoch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Batch {
    /// The published events in it, in order.
    pub envelopes: Vec<Arc<Envelope>>,
    /// The position it reaches to, private events included.
    pub upto: u64,
    /// The epoch of the event that it comes behind. Whoever has heard that position of another epoch has heard
    /// something else, and this is not what comes next. None where the journal does not go so far.
    #[serde(default)]
    pub follows: Epoch,
    /// The epoch of the events in it.
    #[serde(default)]
    pub epoch: Epoch,
}

impl Batch {
    /// Nothing new behind a position.
    #[must_use]
    pub fn nothing(after: u64, follows: Epoch) -> Self {
        Self { envelopes: Vec::new(), upto: after, follows, epoch: follows }
    }

    /// Only what is in one epoch, and which: of a journal with these epochs, behind this position.
    #[must_use]
    pub fn of_one_epoch(mut self, after: u64, epochs: &Epochs) -> Self {
        let end = epochs.end_behind(after);
        if self.upto > end {
            self.envelopes.retain(|envelope| envelope.position <= end);
            self.upto = end;
        }
        (self.follows, self.epoch) = (epochs.at(after), epochs.at(self.upto));
        self
    }

    /// How far it reaches.
    #[must_use]
    pub fn end(&self) -> Cursor {
        Cursor { position: self.upto, epoch: self.epoch }
    }

    /// Whether it is what comes next for somebody who has got so far. Of a cursor from before there were epochs only
    /// the position is known.
    #[must_use]
    pub fn continues(&self, cursor: Cursor) -> bool {
        cursor.epoch == self.follows || cursor.epoch == Epoch::NONE
    }
}

/// The kind of an envelope whose event exists but could not be turned into the public one. Whoever hears it
/// sets it aside and asks the source again later; its data is `{"error": …}`.
pub const UNPUBLISHABLE: &str = "unpublishable";

/// The shard of what happens to an aggregate. Whatever belongs to an order has the order's id in the name of
/// its stream (`order/…`, `ticket/…`, `payment/…`, `delivery/…`), and so the same shard in every context.
///
/// It must never change: cursors are kept by shard. FNV-1a, 64 bits, of the id.
#[must_use]
pub fn shard_of(stream: &str, shards: u16) -> u16 {
    let id = stream.split_once('/').map_or(stream, |(_, id)| id);
    let hash = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    (hash % u64::from(shards.max(1))) as u16
}

/// Where published events come from.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// How many shards a source is cut into.
    fn shards(&self) -> u16;

    /// Which shards are heard here from now on, of every source.
    fn hear_shards(&self, _shards: &[u16]) {}

    /// A stretch of a shard behind a position: at the most `limit` positions of it. An empty stretch
    /// reaches to `after`. It says which epoch it continues: that of the reader has to be the same.
    async fn read(&self, source: &str, shard: u16, after: u64, limit: usize) -> Result<Batch, Failure>;

    /// One event, known to be there, as its source publishes it now; nothing where it is private.
    async fn read_again(&self, source: &str, shard: u16, position: u64) -> Result<Option<Arc<Envelope>>, Failure> {
        let batch = self.read(source, shard, position.saturating_sub(1), 1).await?;
        the_one(batch, source, position)
    }

    /// The epochs of a source's journal, as far as they are known here.
    fn epochs(&self, _source: &str) -> Arc<Epochs> {
        Arc::default()
    }

    /// A source's last position, as far as it is known here, and every later one; stays at 0 for a source
    /// that is not there.
    fn head(&self, source: &str) -> watch::Receiver<u64>;

    /// A source's last position as the source itself has it now.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] where the source does not say.
    async fn look_at_head(&self, source: &str) -> Result<u64, Failure> {
        Ok(*self.head(source).borrow())
    }
}

/// The event at a position, from a batch that must reach to it.
///
/// # Errors
/// [`Failure::Unavailable`] where it does not: that is not to be taken for a private event.
pub fn the_one(batch: Batch, source: &str, position: u64) -> Result<Option<Arc<Envelope>>, Failure> {
    if batch.upto < position {
        return Err(Failure::unavailable(format!("{source} {position}"), "it could not be read at this moment"));
    }
    Ok(batch.envelopes.into_iter().find(|envelope| envelope.position == position))
}

/// The sources' own journals, asked for what did not come.
#[async_trait]
pub trait Archive: Send + Sync + 'static {
    /// As [`Bus::read`].
    async fn read(&self, source: &str, shard: u16, after: u64, limit: usize) -> Result<Batch, Failure>;

    /// A source's last position and its epochs.
    async fn extent(&self, source: &str) -> Result<Extent, Failure>;
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
pub struct JournalBus {
    shards: u16,
    sources: HashMap<&'static str, Source>,
    nobody: watch::Sender<u64>,
}

impl Default for JournalBus {
    /// With one shard: nobody shares the work.
    fn default() -> Self {
        Self::sharded(1)
    }
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
    /// The epoch of the journal that it was then.
    epoch: Epoch,
    from: u64,
    upto: u64,
    envelopes: VecDeque<Arc<Envelope>>,
}

impl JournalBus {
    /// Cut into so many shards.
    #[must_use]
    pub fn sharded(shards: u16) -> Self {
        Self { shards: shards.max(1), sources: HashMap::new(), nobody: watch::Sender::default() }
    }

    /// With one more source.
    #[must_use]
    pub fn with(mut self, name: &'static str, database: Arc<dyn Database>, publish: Publish) -> Self {
        self.sources.insert(
            name,
            Source { name, database, publish, tail: Mutex::default(), reading: tokio::sync::Mutex::default() },
        );
        self
    }

    /// A stretch of a source behind a position, whatever the shard.
    ///
    /// # Errors
    /// A failure of the source's database.
    pub async fn read_all(&self, source: &str, after: u64, limit: usize) -> Result<Batch, Failure> {
        let Some(source) = self.sources.get(source) else {
            return Ok(Batch::nothing(after, Epoch::NONE));
        };
        let epochs = source.epochs();
        let head = *source.database.head().borrow();
        if head <= after {
            // Another replica may be ahead of what we know; but nobody is ahead of the database.
            let is_beyond = head < after && source.database.look_at_head().await? < after;
            return Ok(Batch::nothing(after, if is_beyond { Epoch::NONE } else { epochs.at(after) }));
        }
        if let Some(batch) = source.remembered(after, limit, &epochs) {
            return Ok(batch.of_one_epoch(after, &epochs));
        }
        let _reading = if source.is_near(after, &epochs) { Some(source.reading.lock().await) } else { None };
        if let Some(batch) = source.remembered(after, limit, &epochs) {
            return Ok(batch.of_one_epoch(after, &epochs));
        }
        let recorded = source.database.published(after, limit).await?;
        let mut batch = Batch { envelopes: Vec::with_capacity(recorded.len()), upto: after, ..Batch::default() };
        for event in &recorded {
            batch.upto = event.position;
            if let Some(public) = source.publish(event).await? {
                batch.envelopes.push(Arc::new(envelope(source.name, event, public)));
            }
        }
        if source.epochs().last() != epochs.last() {
            return Err(Failure::unavailable(format!("the journal of {}", source.name), "it has just become another"));
        }
        source.remember(after, &batch, &epochs);
        Ok(batch.of_one_epoch(after, &epochs))
    }
}

#[async_trait]
impl Bus for JournalBus {
    fn shards(&self) -> u16 {
        self.shards
    }

    async fn read(&self, source: &str, shard: u16, after: u64, limit: usize) -> Result<Batch, Failure> {
        let mut batch = self.read_all(source, after, limit).await?;
        if self.shards > 1 {
            batch.envelopes.retain(|envelope| shard_of(&envelope.stream, self.shards) == shard);
        }
        Ok(batch)
    }

    fn epochs(&self, source: &str) -> Arc<Epochs> {
        self.sources.get(source).map(Source::epochs).unwrap_or_default()
    }

    fn head(&self, source: &str) -> watch::Receiver<u64> {
        self.sources.get(source).map_or_else(|| self.nobody.subscribe(), |source| source.database.head())
    }

    async fn look_at_head(&self, source: &str) -> Result<u64, Failure> {
        self.extent(source).await.map(|extent| extent.head)
    }
}

impl Source {
    fn epochs(&self) -> Arc<Epochs> {
        Arc::clone(&self.database.epochs().borrow())
    }

    /// What is remembered of a journal with these epochs; of another one nothing is worth anything.
    fn tail(&self, epochs: &Epochs) -> MutexGuard<'_, Tail> {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.epoch != epochs.last() {
            *tail = Tail { epoch: epochs.last(), ..Tail::default() };
        }
        tail
    }

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
    fn is_near(&self, after: u64, epochs: &Epochs) -> bool {
        after >= self.tail(epochs).from
    }

    fn remembered(&self, after: u64, limit: usize, epochs: &Epochs) -> Option<Batch> {
        let tail = self.tail(epochs);
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
        Some(Batch { envelopes, upto, ..Batch::default() })
    }

    fn remember(&self, after: u64, batch: &Batch, epochs: &Epochs) {
        let mut tail = self.tail(epochs);
        if batch.upto <= tail.upto {
            return;
        }
        if after != tail.upto {
            *tail = Tail { from: after, upto: after, envelopes: VecDeque::new(), epoch: tail.epoch };
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
        stream: event.stream.clone(),
        kind: public.kind.to_owned(),
        at: event.at,
        correlation: event.correlation,
        command: event.command.clone(),
        origin: Arc::clone(&event.origin),
        data: public.data,
    }
}

#[async_trait]
impl Archive for JournalBus {
    async fn read(&self, source: &str, shard: u16, after: u64, limit: usize) -> Result<Batch, Failure> {
        Bus::read(self, source, shard, after, limit).await
    }

    async fn extent(&self, source: &str) -> Result<Extent, Failure> {
        let Some(source) = self.sources.get(source) else { return Ok(Extent::default()) };
        let head = source.database.look_at_head().await?;
        Ok(Extent { head, epochs: source.epochs() })
    }
}

#[cfg(test)]
mod tests {
    use super::shard_of;

    #[test]
    fn a_shard_never_changes_and_is_the_orders_in_every_context() {
        let id = "0198c1f2-7c1e-7000-8000-000000000000";
        assert_eq!(shard_of(&format!("order/{id}"), 8), 0);
        assert_eq!(shard_of(&format!("ticket/{id}"), 8), 0);
        assert_eq!(shard_of(&format!("ticket/{id}"), 1), 0);
    }

    #[test]
    fn the_shards_share_evenly() {
        let mut counts = [0; 8];
        for _ in 0..8000 {
            counts[usize::from(shard_of(&format!("order/{}", uuid::Uuid::now_v7()), 8))] += 1;
        }
        assert!(counts.iter().all(|count| (800..1200).contains(count)), "{counts:?}");
    }
}
