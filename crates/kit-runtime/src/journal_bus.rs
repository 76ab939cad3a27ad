//! The bus of one process: it reads the journals of the same process directly.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use baedal_kit::bus::{Archive, Batch, Bus, Public, Publish, UNPUBLISHABLE, shard_of};
use baedal_kit::epochs::{Epoch, Epochs, Extent};
use baedal_kit::failure::caught;
use baedal_kit::message::{Envelope, Recorded};
use baedal_kit::{Database, Failure};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

/// How many published events of a source are remembered, so that its consumers do not each read the
/// database for the same ones.
const REMEMBERED: usize = 2048;

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
        let mut tail = self.tail.lock();
        if tail.epoch != epochs.last() {
            *tail = Tail { epoch: epochs.last(), ..Tail::default() };
        }
        tail
    }

    /// The public event. One that cannot be made must not hold up those behind it: it travels as
    /// [`UNPUBLISHABLE`].
    async fn publish(&self, event: &Recorded) -> Result<Option<Public>, Failure> {
        let failure = match caught("publishing", async { (self.publish)(event) }).await {
            Err(failure) if !failure.is_transient() => failure,
            published => return published,
        };
        let error = failure.report();
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
