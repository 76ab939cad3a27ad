//! Published events, read in order from their source.
//!
//! A source is a context's journal. Its events are cut into shards, so that several replicas of a consumer
//! can share the work and one order's events still come in order; in one process there is one shard.
//! Where a broker carries the events, the
//! source's own journal stays what is true, and whoever misses something asks it: that is an [`Archive`].

use std::sync::Arc;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::Failure;
use crate::epochs::{Cursor, Epoch, Epochs, Extent};
use crate::message::{Envelope, Recorded};

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

/// Where a source has the events of a shard that are among the first so many of its journal after a position: a path
/// that its peers ask.
#[must_use]
pub fn journal_path(shard: u16, shards: u16, after: u64, limit: usize) -> String {
    format!("/internal/journal/{shard}?shards={shards}&after={after}&limit={limit}")
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
    /// Its name in the published language.
    pub kind: &'static str,
    /// What it says.
    pub data: Box<serde_json::value::RawValue>,
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
