//! One source as one context hears it: its shelves, how far it is known to be, and who is woken by news.

use std::sync::{Mutex, MutexGuard, PoisonError};

use baedal_kit::bus::shard_of;
use tokio::sync::watch;
use tokio::time::Instant;

use super::history::Hint;
use super::shelf::{Put, Shelf};
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
                    let put = shard.shelf().put(envelope, prev, now);
                    if put == Put::Gap {
                        self.count_gap("chain");
                    }
                    if put != Put::Known {
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
        let carried = decode(&message.payload)?;
        let shard = names::shard(&message.subject);
        let belongs = shard_of(&carried.envelope.stream, u16::try_from(self.shards.len()).unwrap_or(u16::MAX));
        let shard = shard.filter(|shard| *shard == belongs).and_then(|shard| self.shard(shard));
        let shard = shard.ok_or(Unreadable::Wrong("the subject's shard"))?;
        if carried.envelope.source == self.name { Ok((shard, carried)) } else { Err(Unreadable::Wrong("source")) }
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
        let late = self.shards.iter().filter(|shard| shard.shelf().overdue(delivery, now)).count();
        if late > 0 {
            (0..late).for_each(|_| self.count_gap("late"));
            self.wake(0);
        }
    }

    /// The source itself says how far it is, and the broker has not said so in time. Whether that is news.
    pub(super) fn told(&self, position: u64, heard: &[u16]) -> bool {
        let news = heard.iter().filter_map(|shard| self.shard(*shard));
        let news = news.filter(|shard| shard.shelf().tell(position)).count();
        (0..news).for_each(|_| self.count_gap("silence"));
        if news > 0 || position > *self.head.borrow() {
            self.wake(position);
        }
        news > 0
    }

    /// From now on only these shards are heard.
    pub(super) fn keep_only(&self, heard: &[u16]) {
        for (shard, kept) in (0..).zip(&self.shards) {
            if !heard.contains(&shard) {
                kept.shelf().clear();
            }
        }
    }

    fn count_gap(&self, reason: &'static str) {
        metrics::counter!("baedal_bus_gaps_total", "source" => self.name, "reason" => reason).increment(1);
    }
}

impl Shard {
    pub(super) fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
