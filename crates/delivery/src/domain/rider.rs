//! What is known of a rider: on duty or not, where, carrying what. Where he was before is nobody's business.

use baedal_contracts::{Location, OrderId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A rider as he is now; the default is one never heard of.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Rider {
    /// Whether he takes deliveries.
    pub(crate) on_duty: bool,
    /// Where he was when he last said so.
    pub(crate) location: Option<Location>,
    /// When he last said so.
    pub(crate) updated_at: Option<Timestamp>,
    /// The deliveries he has claimed and not yet brought.
    pub(crate) carrying: Vec<OrderId>,
    /// When anything was last heard of him, while on duty; see [`crate::presence`].
    #[serde(default)]
    pub(crate) heard_at: Option<Timestamp>,
    /// Whether he has been silent for so long that nobody counts on him, although he never went off duty.
    #[serde(default)]
    pub(crate) is_silent: bool,
    /// When he lately gave claims back himself, oldest first; no more than are asked about.
    #[serde(default)]
    pub(crate) released_at: Vec<Timestamp>,
}

/// How often a rider may give claims back before he may claim no more for a while: claiming shows an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Patience {
    /// This often.
    pub(crate) releases: usize,
    /// Within this time.
    pub(crate) within: SignedDuration,
}

impl Rider {
    /// Something was heard of him.
    pub(crate) fn was_active(&mut self, at: Timestamp) {
        self.heard_at = Some(at);
        self.is_silent = false;
    }

    /// Whether anything was heard of him within this time.
    pub(crate) fn was_heard_within(&self, time: SignedDuration, now: Timestamp) -> bool {
        self.heard_at.is_some_and(|heard_at| now.duration_since(heard_at) < time)
    }

    /// Where he can be found for work: nowhere while off duty.
    pub(crate) fn post(&self) -> Option<Location> {
        self.location.filter(|_| self.on_duty)
    }

    /// Where he is found by those who look for somebody to tell: nowhere while nothing is heard of him.
    pub(crate) fn reachable_at(&self) -> Option<Location> {
        self.post().filter(|_| !self.is_silent)
    }

    /// Whether he can take one more.
    pub(crate) fn has_room(&self, capacity: usize) -> bool {
        self.carrying.len() < capacity
    }

    /// He has given a claim back himself.
    pub(crate) fn release(&mut self, patience: Patience, at: Timestamp) {
        self.released_at.push(at);
        let surplus = self.released_at.len().saturating_sub(patience.releases);
        self.released_at.drain(..surplus);
    }

    /// Until when he may claim nothing, because he has given back too often; nothing where he may.
    pub(crate) fn paused_until(&self, patience: Patience, now: Timestamp) -> Option<Timestamp> {
        // The one that must be over, so that fewer than may be are left.
        let first = self.released_at.len().checked_sub(patience.releases)?;
        let oldest = self.released_at.get(first)?;
        Some(oldest.saturating_add(patience.within).unwrap_or(Timestamp::MAX)).filter(|until| now < *until)
    }

    /// He has this one to bring.
    pub(crate) fn take(&mut self, order_id: OrderId) {
        if !self.carrying.contains(&order_id) {
            self.carrying.push(order_id);
        }
    }

    /// He has this one no more.
    pub(crate) fn put_down(&mut self, order_id: OrderId) {
        self.carrying.retain(|carried| *carried != order_id);
    }
}
