//! What is known of one shard of a source: the envelopes that came last, chained one to the next.
//!
//! ```text
//!   positions:    …  from │ e₁ ← e₂ ← e₃ ← … ← eₙ │ upto        told
//!                 behind: │  here, nothing missing │  nothing new,   │ or, if the source
//!                 read elsewhere                      as far as known   says so, missing
//! ```
//!
//! Every envelope names the one before it, so an envelope is put on the shelf only where it connects; where it
//! does not, the shelf begins anew with it, and whoever is behind reads what is missing elsewhere, once for
//! all who need it: what was read is joined to the shelf where it touches it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use baedal_kit::Envelope;
use baedal_kit::bus::Batch;
use tokio::time::Instant;

use crate::names::Heads;

/// How many envelopes are kept of a shard; the oldest go.
pub(super) const CAPACITY: usize = 512;
/// How long what the relay said is there may take to come, when nothing else comes either,
pub(super) const GRACE: Duration = Duration::from_millis(250);
/// and when other things do, since the relay's word may overtake a busy stream.
pub(super) const LONG_GRACE: Duration = Duration::from_secs(2);

/// A stretch of a shard: every event of it behind `from`, up to `upto`.
#[derive(Default)]
pub(super) struct Shelf {
    from: u64,
    upto: u64,
    envelopes: VecDeque<Arc<Envelope>>,
    /// What the relay says must have come and has not.
    claim: Option<Claim>,
    /// How far the source is known to be, though the broker did not bring it.
    told: u64,
}

/// The relay's word on a shard: there is an event at `last`, and none behind it up to `upto`.
#[derive(Clone, Copy)]
struct Claim {
    last: u64,
    upto: u64,
    since: Instant,
    /// What the relay said since then.
    newest: (u64, u64),
}

/// What a shelf has for a reader.
pub(super) enum Found {
    /// This.
    Here(Batch),
    /// There is nothing new, as far as is known.
    Nothing,
    /// It is older than what is on the shelf.
    Behind,
    /// The source has it, and the broker did not bring it.
    Untold,
}

impl Shelf {
    /// What there is behind a position, at the most so many envelopes. `known` is how far the source is known
    /// to be where nobody tells this shard of news.
    pub(super) fn look(&self, after: u64, limit: usize, known: u64) -> Found {
        if after < self.from {
            return Found::Behind;
        }
        if after >= self.upto {
            return if after < self.told.max(known) { Found::Untold } else { Found::Nothing };
        }
        let begin = self.envelopes.partition_point(|envelope| envelope.position <= after);
        let envelopes: Vec<_> = self.envelopes.iter().skip(begin).take(limit).cloned().collect();
        let is_all = begin + envelopes.len() == self.envelopes.len();
        let upto = envelopes.last().filter(|_| !is_all).map_or(self.upto, |last| last.position);
        Found::Here(Batch { envelopes, upto, ..Batch::default() })
    }

    /// How far what is known reaches.
    pub(super) fn reaches(&self) -> u64 {
        self.upto
    }

    /// One more from the stream. Whether it was not known.
    pub(super) fn put(&mut self, envelope: Envelope, prev: u64, now: Instant) -> bool {
        if envelope.position <= self.upto {
            return false;
        }
        if prev > self.upto {
            self.envelopes.clear();
            self.from = prev;
        }
        self.upto = envelope.position;
        self.envelopes.push_back(Arc::new(envelope));
        self.trim();
        self.settle(now);
        true
    }

    /// The relay's word. Whether anything is known now that was not before.
    pub(super) fn claimed(&mut self, heads: &Heads, last: u64, now: Instant) -> bool {
        let newest = (last, heads.upto);
        match &mut self.claim {
            Some(claim) => claim.newest = newest,
            None => self.claim = Some(Claim { last, upto: heads.upto, since: now, newest }),
        }
        let before = self.upto;
        self.settle(now);
        self.upto > before
    }

    /// Believes the relay where all that it said had to come has come.
    fn settle(&mut self, now: Instant) {
        while let Some(claim) = self.claim
            && self.upto >= claim.last
        {
            self.upto = self.upto.max(claim.upto);
            let (last, upto) = claim.newest;
            let is_newer = upto > claim.upto;
            self.claim = is_newer.then_some(Claim { last, upto, since: now, newest: claim.newest });
        }
    }

    /// When what the relay said would be overdue.
    pub(super) fn due(&self, last_delivery: Instant) -> Option<Instant> {
        self.claim.map(|claim| (claim.since.max(last_delivery) + GRACE).min(claim.since + LONG_GRACE))
    }

    /// What the relay said has not come in time: it is to be had from the source. Whether that is so.
    pub(super) fn overdue(&mut self, last_delivery: Instant, now: Instant) -> bool {
        let is_due = self.due(last_delivery).is_some_and(|due| due <= now);
        let Some(claim) = self.claim.take_if(|_| is_due) else { return false };
        self.tell(claim.newest.1)
    }

    /// The source says how far it is. Whether something is missing here.
    pub(super) fn tell(&mut self, position: u64) -> bool {
        self.told = position;
        position > self.upto
    }

    /// What was read elsewhere, all behind `after`: kept where it touches what is here, or is newer.
    pub(super) fn join(&mut self, after: u64, batch: &Batch, now: Instant) {
        let touches = after <= self.upto && batch.upto >= self.from;
        if !touches && batch.upto > self.upto {
            self.envelopes.clear();
            (self.from, self.upto) = (after, after);
        } else if !touches {
            return;
        }
        if after < self.from {
            let older: Vec<_> = batch.envelopes.iter().filter(|one| one.position <= self.from).collect();
            if self.envelopes.len() + older.len() <= CAPACITY {
                older.into_iter().rev().for_each(|one| self.envelopes.push_front(Arc::clone(one)));
                self.from = after;
            }
        }
        if batch.upto > self.upto {
            let newer = batch.envelopes.iter().filter(|one| one.position > self.upto);
            self.envelopes.extend(newer.cloned());
            self.upto = batch.upto;
            self.trim();
            self.settle(now);
        }
    }

    /// Of the source's journal only this much is what it was: what reaches further goes, and what was said of it.
    /// Whether anything was here that went.
    pub(super) fn keep_upto(&mut self, position: u64) -> bool {
        let reaches_further = self.upto > position;
        if reaches_further {
            *self = Self::default();
        } else {
            self.claim = None;
        }
        self.told = self.told.min(position);
        reaches_further
    }

    /// Nobody reads this shard here any more.
    pub(super) fn clear(&mut self) {
        self.envelopes = VecDeque::new();
        self.from = self.upto;
        self.claim = None;
    }

    fn trim(&mut self) {
        while self.envelopes.len() > CAPACITY {
            if let Some(oldest) = self.envelopes.pop_front() {
                self.from = oldest.position;
            }
        }
    }
}

#[cfg(test)]
mod tests;
