//! One source as one context hears it: its shelves, how far it is known to be, and who is woken by news.

use std::sync::Arc;

use baedal_kit::Failure;
use baedal_kit::bus::{Batch, shard_of};
use baedal_kit::epochs::{Epochs, Extent};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::history::Hint;
use super::shelf::Shelf;
use crate::cloudevents::{Carried, Unreadable, decode};
use crate::names::{self, Heads};
use crate::{Nats, stream};

/// After so many times as long as it takes to doubt the relay, the stream is believed about what it is a copy of.
const DOUBTS: u32 = 5;

/// A source.
pub(super) struct Source {
    pub(super) name: &'static str,
    /// The last known position; changes also when there is more to read.
    pub(super) head: watch::Sender<u64>,
    /// Since when it is followed.
    since: Instant,
    /// The epochs of its journal, as far as they are known. What is on the shelves is of that journal: whoever puts
    /// something there holds this meanwhile.
    epochs: Mutex<Arc<Epochs>>,
    /// How far it has said itself that its journal goes; nothing, where it has not yet.
    said: Mutex<Option<u64>>,
    /// Something speaks for another journal than the one that is known: the source is to be asked.
    pub(super) doubt: Notify,
    /// Something was taken off the shelves: the stream is to be heard anew, from the last event of each shard on.
    pub(super) anew: Notify,
    shards: Vec<Shard>,
    pulse: Mutex<Pulse>,
}

/// A shard of it.
#[derive(Default)]
pub(super) struct Shard {
    shelf: Mutex<Shelf>,
    /// Held by whoever reads elsewhere, so that those who miss the same do not all read it; and where the one
    /// before left off in the stream.
    pub(super) turn: tokio::sync::Mutex<Hint>,
}

/// When we last heard of it.
#[derive(Clone, Copy)]
pub(super) struct Pulse {
    /// Anything at all.
    pub(super) word: Instant,
    /// An event.
    pub(super) delivery: Instant,
}

impl Source {
    pub(super) fn new(name: &'static str, shards: u16) -> Self {
        let now = Instant::now();
        Self {
            name,
            head: watch::Sender::new(0),
            since: now,
            epochs: Mutex::default(),
            said: Mutex::default(),
            doubt: Notify::new(),
            anew: Notify::new(),
            shards: (0..shards).map(|_| Shard::default()).collect(),
            pulse: Mutex::new(Pulse { word: now, delivery: now }),
        }
    }

    pub(super) fn shard(&self, shard: u16) -> Option<&Shard> {
        self.shards.get(usize::from(shard))
    }

    /// The epochs of its journal, as far as they are known.
    pub(super) fn epochs(&self) -> Arc<Epochs> {
        Arc::clone(&self.known_epochs())
    }

    fn known_epochs(&self) -> MutexGuard<'_, Arc<Epochs>> {
        self.epochs.lock()
    }

    /// How far it has said itself that its journal goes.
    pub(super) fn said(&self) -> Option<u64> {
        *self.said.lock()
    }

    /// It says itself that its journal is this one, and goes so far.
    pub(super) fn know(&self, extent: &Extent) {
        {
            let known = self.known_epochs();
            let mut said = self.said.lock();
            let is_same = known.is_empty() || known.last() == extent.epochs.last();
            *said = Some(said.filter(|_| is_same).unwrap_or(0).max(extent.head));
        }
        self.learn(extent);
    }

    /// The journal is this one, and goes so far. What is here of another one goes.
    fn learn(&self, extent: &Extent) {
        let Extent { head, epochs } = extent;
        let mut known = self.known_epochs();
        if epochs.is_empty() || known.last() == epochs.last() {
            return;
        }
        let common = if known.is_empty() { 0 } else { known.common(epochs) };
        tracing::info!(source = self.name, common, head, "the source has begun a new epoch of its journal");
        *known = Arc::clone(epochs);
        // Each of them, not only the first.
        let cleared = self.shards.iter().filter(|shard| shard.shelf().keep_upto(common)).count();
        drop(known);
        if cleared > 0 {
            self.anew.notify_one();
        }
        // Whoever waits has to look again, whether there is more or less to read than they think.
        self.head.send_modify(|known| *known = if *known > common { *head } else { (*known).max(*head) });
    }

    /// Learns which journal it is from what the relay has written at the stream, where the source itself has not said
    /// so for a while. (Not at once: where everything is restored and starts again, what the broker has kept may be of
    /// a journal that is no more, until the relay has looked.)
    pub(super) async fn ask_stream(&self, nats: &Nats) -> Result<(), Failure> {
        let patience = nats.settings.doubt_after.unsigned_abs() * DOUBTS;
        if nats.is_connected() && self.since.elapsed() > patience {
            let epochs = Arc::new(stream::find(nats, self.name).await?);
            self.learn(&Extent { head: 0, epochs });
        }
        Ok(())
    }

    /// What was read of the journal elsewhere is put on a shelf, where it is of the journal that we know.
    pub(super) fn join(&self, shard: &Shard, after: u64, batch: &Batch) {
        let epochs = self.known_epochs();
        if epochs.at(batch.upto) == batch.epoch && epochs.at(after) == batch.follows {
            shard.shelf().join(after, batch, Instant::now());
        } else {
            self.doubt.notify_one();
        }
    }

    pub(super) fn pulse(&self) -> Pulse {
        *self.pulse.lock()
    }

    /// Wakes whoever waits for more of this source, which is known to be at this position.
    pub(super) fn wake(&self, position: u64) {
        self.head.send_modify(|head| *head = (*head).max(position));
    }

    /// Messages of the stream, in its order. What is said to be behind `believed` is not.
    pub(super) fn deliver(&self, messages: &[async_nats::jetstream::Message], believed: u64) {
        let now = Instant::now();
        *self.pulse.lock() = Pulse { word: now, delivery: now };
        let mut newest = None;
        let epochs = self.known_epochs();
        for message in messages {
            match self.read(message, &epochs) {
                Ok((_, Carried { envelope, .. })) if envelope.position > believed => {
                    self.disbelieve("event", envelope.position, believed);
                }
                Ok((shard, Carried { envelope, prev, .. })) => {
                    let position = envelope.position;
                    if shard.shelf().put(envelope, prev, now) {
                        newest = newest.max(Some(position));
                    }
                }
                Err(unreadable) => self.set_aside(message, &unreadable),
            }
        }
        drop(epochs);
        if let Some(position) = newest {
            self.wake(position);
        }
    }

    fn read(&self, message: &async_nats::Message, epochs: &Epochs) -> Result<(&Shard, Carried), Unreadable> {
        let (shard, carried) = read(self.name, self.shards.len(), message, epochs)?;
        Ok((self.shard(shard).ok_or(Unreadable::Wrong("shard"))?, carried))
    }

    /// A message that cannot be read is as good as lost: the next one of its shard, or the relay's word, shows
    /// that one is missing, and it is read from the source's journal like any other.
    fn set_aside(&self, message: &async_nats::Message, unreadable: &Unreadable) {
        metrics::counter!("baedal_unreadable_messages_total", "source" => self.name, "reason" => unreadable.reason())
            .increment(1);
        match unreadable {
            Unreadable::Elsewhere => return,
            // Either is new: the message or the journal that we know.
            Unreadable::Foreign => self.doubt.notify_one(),
            Unreadable::Body(_) | Unreadable::Wrong(_) => {}
        }
        let id = message.headers.as_ref().and_then(|headers| headers.get(async_nats::header::NATS_MESSAGE_ID));
        tracing::warn!(
            source = self.name,
            subject = %message.subject,
            message = id.map(async_nats::HeaderValue::as_str),
            error = %Failure::broken_by("a message cannot be read", unreadable.to_string()).report(),
            "a message cannot be read; what it should have said is read from the source"
        );
    }

    /// Something is said to be where the source's journal does not go: it was not the source that said so.
    pub(super) fn disbelieve(&self, what: &'static str, position: u64, believed: u64) {
        metrics::counter!("baedal_disbelieved_messages_total", "source" => self.name, "what" => what).increment(1);
        tracing::error!(
            source = self.name,
            what,
            position,
            believed,
            "the broker brings what is beyond the end of its source's journal; it is dropped. Unless the source is \
             away, somebody has published it who should not be able to: change the credentials of this source"
        );
    }

    /// The relay's word on how far it is.
    pub(super) fn claimed(&self, heads: &Heads, heard: &[u16]) {
        let now = Instant::now();
        let epochs = self.known_epochs();
        if heads.epoch.is_some_and(|epoch| epoch != epochs.last()) {
            // Of a journal that we do not know it says nothing to us.
            self.doubt.notify_one();
            return;
        }
        self.pulse.lock().word = now;
        let mut is_news = heads.upto > *self.head.borrow();
        for (shard, last) in (0..).zip(&heads.shards).filter(|(shard, _)| heard.contains(shard)) {
            if let Some(shard) = self.shard(shard) {
                is_news |= shard.shelf().claimed(heads, *last, now);
            }
        }
        if is_news {
            self.wake(heads.upto);
        }
    }

    /// When the first of what the relay said would be overdue.
    pub(super) fn due(&self) -> Option<Instant> {
        let delivery = self.pulse().delivery;
        self.shards.iter().filter_map(|shard| shard.shelf().due(delivery)).min()
    }

    /// What is overdue is to be had from the source.
    pub(super) fn give_up_waiting(&self) {
        let (delivery, now) = (self.pulse().delivery, Instant::now());
        // Each of them, not only the first.
        let late = self.shards.iter().filter(|shard| shard.shelf().overdue(delivery, now)).count();
        if late > 0 {
            self.wake(0);
        }
    }

    /// The source itself says how far it is, and the broker has not said so in time. Whether something is missing.
    pub(super) fn told(&self, position: u64, heard: &[u16]) -> bool {
        // What was believed while it was away, and it does not know of.
        let said = self.said().unwrap_or(position);
        let wrong = self.shards.iter().filter(|shard| shard.shelf().reaches() > said);
        if wrong.filter(|shard| shard.shelf().keep_upto(said)).count() > 0 {
            self.anew.notify_one();
        }
        let heard = heard.iter().filter_map(|shard| self.shard(*shard));
        let missing = heard.filter(|shard| shard.shelf().tell(position)).count();
        // Also if we knew that: what was asked for may not have been answered.
        if missing > 0 || position > *self.head.borrow() {
            self.wake(position);
        }
        missing > 0
    }

    /// From now on only these shards are heard.
    pub(super) fn keep_only(&self, heard: &[u16]) {
        for (shard, kept) in (0..).zip(&self.shards) {
            if !heard.contains(&shard) {
                kept.shelf().clear();
            }
        }
    }
}

/// The envelope of a message from a source's stream, and the shard it belongs to: the one whose subject it has. It must
/// be of the journal that has these epochs, where they are known.
pub(super) fn read(
    source: &str,
    shards: usize,
    message: &async_nats::Message,
    epochs: &Epochs,
) -> Result<(u16, Carried), Unreadable> {
    let carried = decode(&message.payload)?;
    let is_of_it = |epoch| epochs.is_empty() || epochs.at(carried.envelope.position) == epoch;
    if !carried.epoch.is_none_or(is_of_it) {
        return Err(Unreadable::Foreign);
    }
    if carried.envelope.source != source {
        return Err(Unreadable::Wrong("source"));
    }
    let belongs = shard_of(&carried.envelope.stream, u16::try_from(shards).unwrap_or(u16::MAX));
    if names::shard(&message.subject) != Some(belongs) {
        return Err(Unreadable::Wrong("shard"));
    }
    Ok((belongs, carried))
}

impl Shard {
    pub(super) fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock()
    }
}
