//! Decides what may happen to a delivery that was requested.

use baedal_contracts::{AccountId, Location};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::delivery::{ESCALATE, Event, PICK_UP_BY, Refusal, WIDEN};
use super::pace::Pace;
use super::reach::{Reach, reaches};
use super::rider::{Patience, Rider};
use super::stage::{Claim, Parcel, Stage};

/// A delivery that was requested.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Errand {
    /// What to bring.
    pub(crate) parcel: Parcel,
    /// Since when it is ready to be fetched, as the kitchen's word was heard: waiting is reckoned from there.
    pub(crate) ready_at: Timestamp,
    /// How far it is, or was, seen while it waits. It never narrows.
    pub(crate) radius_m: u32,
    /// When it is, or would be, seen from farther away; nothing where it is as far as it gets.
    pub(crate) widen_at: Option<Timestamp>,
    /// When the operator is told that no rider has it; nothing where that is done.
    pub(crate) escalate_at: Option<Timestamp>,
    /// How far it is.
    pub(crate) stage: Stage,
    /// Who has given it back or lost it, each once, so that saying so again is no error.
    pub(crate) released_by: Vec<AccountId>,
}

/// Whether a rider may see exactly where a delivery goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Openness {
    /// He carries it.
    Open,
    /// It is over, and he may need to know where he was until then.
    OpenUntil(Timestamp),
    /// It is not his, or not any more.
    Closed,
}

impl Errand {
    /// One that begins to wait.
    pub(crate) fn requested(
        parcel: Parcel,
        radius_m: u32,
        ready_at: Timestamp,
        widen_at: Option<Timestamp>,
        escalate_at: Timestamp,
    ) -> Self {
        let escalate_at = Some(escalate_at);
        Self { parcel, ready_at, radius_m, widen_at, escalate_at, stage: Stage::Waiting, released_by: Vec::new() }
    }

    /// Whether it waits and is seen from there.
    pub(crate) fn is_seen_from(&self, from: Location) -> bool {
        matches!(self.stage, Stage::Waiting)
            && reaches(self.parcel.pickup.location, self.parcel.about_where(), self.radius_m, from)
    }

    /// Whether a rider may see exactly where it goes and what the customer said, and until when, where that ends by
    /// itself: while he has it, and a while after the end.
    pub(crate) fn is_open_to(&self, rider_id: AccountId, shown_for: SignedDuration, now: Timestamp) -> Openness {
        if self.stage.rider_id() != Some(rider_id) {
            return Openness::Closed;
        }
        match &self.stage {
            Stage::Waiting => Openness::Closed,
            Stage::Claimed(_) | Stage::PickedUp { .. } => Openness::Open,
            Stage::Delivered { at, .. } | Stage::Canceled { at, .. } => {
                let until = at.saturating_add(shown_for).unwrap_or(*at);
                if now < until { Openness::OpenUntil(until) } else { Openness::Closed }
            }
        }
    }

    /// Whether this rider has given it back, or lost it: it is offered to others first.
    pub(crate) fn was_released_by(&self, rider_id: AccountId) -> bool {
        self.released_by.contains(&rider_id)
    }

    /// When this deadline comes, as it is now; nothing where it does not.
    pub(crate) fn due(&self, deadline: &str) -> Option<Timestamp> {
        match (&self.stage, deadline) {
            (Stage::Waiting, WIDEN) => self.widen_at,
            (Stage::Waiting, ESCALATE) => self.escalate_at,
            (Stage::Claimed(claim), PICK_UP_BY) => claim.pick_up_by,
            _ => None,
        }
    }

    pub(super) fn widen(&self, reach: Reach, at: Timestamp) -> Vec<Event> {
        match (&self.stage, self.widen_at) {
            (Stage::Waiting, Some(due)) if due <= at => {
                let radius_m = reach.wider(self.radius_m);
                vec![Event::Widened { radius_m, widen_at: reach.widen_at(radius_m, at) }]
            }
            // Not due, or overtaken.
            _ => Vec::new(),
        }
    }

    pub(super) fn escalate(&self, at: Timestamp) -> Vec<Event> {
        match (&self.stage, self.escalate_at) {
            (Stage::Waiting, Some(due)) if due <= at => vec![Event::Escalated { waiting_since: self.ready_at }],
            // Not due, done, or overtaken.
            _ => Vec::new(),
        }
    }

    pub(super) fn miss_pickup(&self, at: Timestamp) -> Vec<Event> {
        match &self.stage {
            Stage::Claimed(Claim { rider_id, at: claimed_at, pick_up_by: Some(due), .. }) if *due <= at => {
                vec![Event::PickupOverdue { rider_id: *rider_id, claimed_at: *claimed_at }]
            }
            // Not due, done, or overtaken.
            Stage::Claimed(_)
            | Stage::Waiting
            | Stage::PickedUp { .. }
            | Stage::Delivered { .. }
            | Stage::Canceled { .. } => Vec::new(),
        }
    }

    /// When a rider who may claim it should be there, at the earliest and at the latest; nothing where he has it.
    pub(super) fn claim(
        &self,
        rider_id: AccountId,
        rider: &Rider,
        capacity: usize,
        patience: Patience,
        pace: Pace,
        at: Timestamp,
    ) -> Result<Option<(Timestamp, Timestamp)>, Refusal> {
        match &self.stage {
            Stage::Waiting => {
                let from = rider.post().ok_or(Refusal::NotOnDuty)?;
                if !self.is_seen_from(from) {
                    return Err(Refusal::TooFar);
                }
                if let Some(until) = rider.paused_until(patience, at) {
                    return Err(Refusal::ReleasedTooOften { until });
                }
                if !rider.has_room(capacity) {
                    return Err(Refusal::CarryingTooMany);
                }
                let Parcel { pickup, deliver_to, .. } = &self.parcel;
                Ok(Some(pace.arrival(at, from, pickup.location, deliver_to.location)))
            }
            Stage::Claimed(claim) | Stage::PickedUp { claim, .. } | Stage::Delivered { claim, .. } => {
                if claim.rider_id == rider_id { Ok(None) } else { Err(Refusal::AlreadyClaimed) }
            }
            Stage::Canceled { .. } => Err(Refusal::Canceled),
        }
    }

    pub(super) fn release(
        &self,
        rider_id: AccountId,
        riders: Vec<AccountId>,
        reach: Reach,
        at: Timestamp,
    ) -> Result<Vec<Event>, Refusal> {
        match &self.stage {
            Stage::Claimed(claim) if claim.rider_id == rider_id => {
                Ok(vec![self.released(rider_id, riders, reach, None, at)])
            }
            Stage::PickedUp { claim, .. } | Stage::Delivered { claim, .. } if claim.rider_id == rider_id => {
                Err(Refusal::AlreadyPickedUp)
            }
            Stage::Canceled { rider_id: Some(rider), .. } if *rider == rider_id => Err(Refusal::Canceled),
            _ if self.was_released_by(rider_id) => Ok(Vec::new()),
            Stage::Waiting => Err(Refusal::NotClaimed),
            Stage::Claimed(_) | Stage::PickedUp { .. } | Stage::Delivered { .. } | Stage::Canceled { .. } => {
                Err(Refusal::NotYours)
            }
        }
    }

    /// From the rider who was named and from nobody else, however late or often it is asked.
    pub(super) fn take_back(
        &self,
        rider_id: AccountId,
        reason: String,
        riders: Vec<AccountId>,
        reach: Reach,
        at: Timestamp,
    ) -> Result<Vec<Event>, Refusal> {
        match &self.stage {
            Stage::Claimed(claim) if claim.rider_id == rider_id => {
                Ok(vec![self.released(rider_id, riders, reach, Some(reason), at)])
            }
            Stage::PickedUp { claim, .. } | Stage::Delivered { claim, .. } if claim.rider_id == rider_id => {
                Err(Refusal::AlreadyPickedUp)
            }
            Stage::Canceled { .. } => Err(Refusal::Canceled),
            Stage::Waiting | Stage::Claimed(_) | Stage::PickedUp { .. } | Stage::Delivered { .. } => {
                if self.was_released_by(rider_id) { Ok(Vec::new()) } else { Err(Refusal::ClaimGone) }
            }
        }
    }

    /// It waits again, as if nobody had claimed it meanwhile.
    fn released(
        &self,
        rider_id: AccountId,
        riders: Vec<AccountId>,
        reach: Reach,
        taken_back: Option<String>,
        at: Timestamp,
    ) -> Event {
        let (radius_m, widen_at) = reach.grown(self.radius_m, self.widen_at, at);
        Event::Released { rider_id, riders, radius_m, widen_at, escalate_at: self.escalate_at, taken_back }
    }

    pub(super) fn pick_up(&self, rider_id: AccountId) -> Result<Vec<Event>, Refusal> {
        self.is_for(rider_id)?;
        match &self.stage {
            Stage::Waiting => Err(Refusal::NotClaimed),
            Stage::Claimed(_) => Ok(vec![Event::PickedUp { rider_id }]),
            Stage::PickedUp { .. } | Stage::Delivered { .. } => Ok(Vec::new()),
            Stage::Canceled { .. } => Err(Refusal::Canceled),
        }
    }

    pub(super) fn deliver(&self, rider_id: AccountId) -> Result<Vec<Event>, Refusal> {
        self.is_for(rider_id)?;
        match &self.stage {
            Stage::Waiting => Err(Refusal::NotClaimed),
            Stage::Claimed(_) => Err(Refusal::NotPickedUp),
            Stage::PickedUp { .. } => Ok(vec![Event::Delivered { rider_id }]),
            Stage::Delivered { .. } => Ok(Vec::new()),
            Stage::Canceled { .. } => Err(Refusal::Canceled),
        }
    }

    pub(super) fn withdraw(&self) -> Vec<Event> {
        match &self.stage {
            Stage::Waiting | Stage::Claimed(_) | Stage::PickedUp { .. } => {
                vec![Event::Canceled { rider_id: self.stage.rider_id() }]
            }
            // What has been eaten stays eaten; what is withdrawn stays withdrawn.
            Stage::Delivered { .. } | Stage::Canceled { .. } => Vec::new(),
        }
    }

    /// Refuses riders whom it is no business of. What waits is everybody's to know.
    fn is_for(&self, rider_id: AccountId) -> Result<(), Refusal> {
        let mine = self.stage.rider_id() == Some(rider_id);
        if mine || matches!(self.stage, Stage::Waiting) { Ok(()) } else { Err(Refusal::NotYours) }
    }

    pub(super) fn evolve(&mut self, event: &Event, at: Timestamp) {
        match (event, &mut self.stage) {
            (Event::Widened { radius_m, widen_at }, _) => (self.radius_m, self.widen_at) = (*radius_m, *widen_at),
            (Event::Escalated { .. }, _) => self.escalate_at = None,
            (Event::Claimed { rider_id, eta_from, eta_to, pick_up_by }, stage) => {
                let (eta_from, eta_to, pick_up_by) = (*eta_from, *eta_to, Some(*pick_up_by));
                *stage = Stage::Claimed(Claim { rider_id: *rider_id, at, eta_from, eta_to, pick_up_by });
            }
            (Event::PickupOverdue { .. }, Stage::Claimed(claim)) => claim.pick_up_by = None,
            (Event::Released { rider_id, radius_m, widen_at, escalate_at, .. }, stage) => {
                *stage = Stage::Waiting;
                (self.radius_m, self.widen_at, self.escalate_at) = (*radius_m, *widen_at, *escalate_at);
                if !self.released_by.contains(rider_id) {
                    self.released_by.push(*rider_id);
                }
            }
            (Event::PickedUp { .. }, Stage::Claimed(claim)) => self.stage = Stage::PickedUp { claim: *claim, at },
            (Event::Delivered { .. }, Stage::PickedUp { claim, at: picked_up_at }) => {
                self.stage = Stage::Delivered { claim: *claim, picked_up_at: *picked_up_at, at };
            }
            (Event::Canceled { rider_id }, stage) => *stage = Stage::Canceled { rider_id: *rider_id, at },
            // The events that `decide` gives in no other stage, and those that begin a delivery.
            (
                Event::PickupOverdue { .. }
                | Event::PickedUp { .. }
                | Event::Delivered { .. }
                | Event::Requested { .. }
                | Event::Withdrawn,
                _,
            ) => {}
        }
    }
}
