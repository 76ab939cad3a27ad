//! One source as one context hears it: its shelves, how far it is known to be, and who is woken by news.

use std::sync::{Mutex, MutexGuard, PoisonError};

use baedal_kit::bus::shard_of;
use tokio::sync::watch;
use tokio::time::Instant;

use super::history::Hint;
use super::shelf::Shelf;
use crate::cloudevents::{Carried, Unreadable, decode};
use crate::names::{self, Heads};

/// A source.
pub(super) struct Source {
    pub(super) name: &'static str,
    /// The last known position; changes also when there is more to read.
    pub(super) head: watch::Sender<u64>,
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
            shards: (0..shards).map(|_| Shard::default()).collect(),
            pulse: Mutex::new(Pulse { word: now, delivery: now }),
        }
    }

    pub(super) fn shard(&self, shard: u16) -> Option<&Shard> {
        self.shards.get(usize::from(shard))
    }

    pub(super) fn pulse(&self) -> Pulse {
        *self.pulse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes whoever waits for more of this source, which is known to be at this position.
    pub(super) fn wake(&self, position: u64) {
        self.head.send_modify(|head| *head = (*head).max(position));
    }

    /// Messages of the stream, in its order.
    pub(super) fn deliver(&self, messages: &[async_nats::jetstream::Message]) {
        let now = Instant::now();
        *self.pulse.lock().unwrap_or_else(PoisonError::into_inner) = Pulse { word: now, delivery: now };
        let mut newest = None;
        for message in messages {
            match self.read(message) {
                Ok((shard, Carried { envelope, prev })) => {
                    let position = envelope.position;
                    if shard.shelf().put(envelope, prev, now) {
                        newest = newest.max(Some(position));
                    }
                }
                Err(unreadable) => self.set_aside(message, &unreadable),
            }
        }
        if let Some(position) = newest {
            self.wake(position);
        }
    }

    fn read(&self, message: &async_nats::Message) -> Result<(&Shard, Carried), Unreadable> {
        let (shard, carried) = read(self.name, self.shards.len(), message)?;
        Ok((self.shard(shard).ok_or(Unreadable::Wrong("shard"))?, carried))
    }

    /// A message that cannot be read is as good as lost: the next one of its shard, or the relay's word, shows
    /// that one is missing, and it is read from the source's journal like any other.
    fn set_aside(&self, message: &async_nats::Message, unreadable: &Unreadable) {
        metrics::counter!("baedal_unreadable_messages_total", "source" => self.name, "reason" => unreadable.reason())
            .increment(1);
        if matches!(unreadable, Unreadable::Elsewhere) {
            return;
        }
        let id = message.headers.as_ref().and_then(|headers| headers.get(async_nats::header::NATS_MESSAGE_ID));
        tracing::warn!(
            source = self.name,
            subject = %message.subject,
            message = id.map(async_nats::HeaderValue::as_str),
            error = %baedal_kit::Failure::broken_by("a message cannot be read", unreadable.to_string()).story(),
            "a message cannot be read; what it should have said is read from the source"
        );
    }

    /// The relay's word on how far it is.
    pub(super) fn claimed(&self, heads: &Heads, heard: &[u16]) {
        let now = Instant::now();
        self.pulse.lock().unwrap_or_else(PoisonError::into_inner).word = now;
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

/// The envelope of a message from a source's stream, and the shard it belongs to: the one whose subject it has.
pub(super) fn read(source: &str, shards: usize, message: &async_nats::Message) -> Result<(u16, Carried), Unreadable> {
    let carried = decode(&message.payload)?;
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
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
