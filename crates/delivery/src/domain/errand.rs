//! Decides what may happen to a delivery that was requested.

use baedal_contracts::{AccountId, Location};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::delivery::{Event, Refusal};
use super::pace::Pace;
use super::reach::{Reach, reaches};
use super::rider::Rider;
use super::stage::{Claim, Parcel, Stage};

/// A delivery that was requested.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Errand {
    /// What to bring.
    pub(crate) parcel: Parcel,
    /// How far it is, or was, seen while it waits. It never narrows.
    pub(crate) radius_m: u32,
    /// How far it is.
    pub(crate) stage: Stage,
    /// Who has given it back, each once, so that saying so again is no error.
    pub(crate) released_by: Vec<AccountId>,
}

impl Errand {
    /// One that begins to wait.
    pub(crate) fn requested(
        parcel: Parcel,
        radius_m: u32,
        since: Timestamp,
        widen_at: Option<Timestamp>,
        escalate_at: Timestamp,
    ) -> Self {
        let stage = Stage::Waiting { since, widen_at, escalate_at: Some(escalate_at) };
        Self { parcel, radius_m, stage, released_by: Vec::new() }
    }

    /// Whether it waits and is seen from there.
    pub(crate) fn is_seen_from(&self, from: Location) -> bool {
        matches!(self.stage, Stage::Waiting { .. })
            && reaches(self.parcel.pickup.location, self.parcel.deliver_to.location, self.radius_m, from)
    }

    pub(super) fn widen(&self, reach: Reach, at: Timestamp) -> Vec<Event> {
        match self.stage {
            Stage::Waiting { widen_at: Some(due), .. } if due <= at => {
                let radius_m = reach.wider(self.radius_m);
                vec![Event::Widened { radius_m, widen_at: reach.widen_at(radius_m, at) }]
            }
            // Not due, or overtaken.
            _ => Vec::new(),
        }
    }

    pub(super) fn escalate(&self, at: Timestamp) -> Vec<Event> {
        match self.stage {
            Stage::Waiting { since, escalate_at: Some(due), .. } if due <= at => {
                vec![Event::Escalated { waiting_since: since }]
            }
            // Not due, done, or overtaken.
            _ => Vec::new(),
        }
    }

    pub(super) fn claim(
        &self,
        rider_id: AccountId,
        rider: &Rider,
        capacity: usize,
        pace: Pace,
        at: Timestamp,
    ) -> Result<Vec<Event>, Refusal> {
        match &self.stage {
            Stage::Waiting { .. } => {
                let from = rider.post().ok_or(Refusal::NotOnDuty)?;
                if !self.is_seen_from(from) {
                    return Err(Refusal::TooFar);
                }
                if !rider.has_room(capacity) {
                    return Err(Refusal::CarryingTooMany);
                }
                let Parcel { pickup, deliver_to, .. } = &self.parcel;
                let (eta_from, eta_to) = pace.arrival(at, from, pickup.location, deliver_to.location);
                Ok(vec![Event::Claimed { rider_id, eta_from, eta_to }])
            }
            Stage::Claimed(claim) | Stage::PickedUp { claim, .. } | Stage::Delivered { claim, .. } => {
                if claim.rider_id == rider_id { Ok(Vec::new()) } else { Err(Refusal::AlreadyClaimed) }
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
        let has_released = self.released_by.contains(&rider_id);
        match &self.stage {
            Stage::Claimed(claim) if claim.rider_id == rider_id => Ok(vec![Event::Released {
                rider_id,
                riders,
                widen_at: reach.widen_at(self.radius_m, at),
                escalate_at: reach.escalate_at(at),
            }]),
            Stage::PickedUp { claim, .. } | Stage::Delivered { claim, .. } if claim.rider_id == rider_id => {
                Err(Refusal::AlreadyPickedUp)
            }
            Stage::Canceled { rider_id: Some(rider), .. } if *rider == rider_id => Err(Refusal::Canceled),
            _ if has_released => Ok(Vec::new()),
            Stage::Waiting { .. } => Err(Refusal::NotClaimed),
            Stage::Claimed(_) | Stage::PickedUp { .. } | Stage::Delivered { .. } | Stage::Canceled { .. } => {
                Err(Refusal::NotYours)
            }
        }
    }

    pub(super) fn pick_up(&self, rider_id: AccountId) -> Result<Vec<Event>, Refusal> {
        self.is_for(rider_id)?;
        match &self.stage {
            Stage::Waiting { .. } => Err(Refusal::NotClaimed),
            Stage::Claimed(_) => Ok(vec![Event::PickedUp { rider_id }]),
            Stage::PickedUp { .. } | Stage::Delivered { .. } => Ok(Vec::new()),
            Stage::Canceled { .. } => Err(Refusal::Canceled),
        }
    }

    pub(super) fn deliver(&self, rider_id: AccountId) -> Result<Vec<Event>, Refusal> {
        self.is_for(rider_id)?;
        match &self.stage {
            Stage::Waiting { .. } => Err(Refusal::NotClaimed),
            Stage::Claimed(_) => Err(Refusal::NotPickedUp),
            Stage::PickedUp { .. } => Ok(vec![Event::Delivered { rider_id }]),
            Stage::Delivered { .. } => Ok(Vec::new()),
            Stage::Canceled { .. } => Err(Refusal::Canceled),
        }
    }

    pub(super) fn withdraw(&self) -> Vec<Event> {
        match &self.stage {
            Stage::Waiting { .. } | Stage::Claimed(_) | Stage::PickedUp { .. } => {
                vec![Event::Canceled { rider_id: self.stage.rider_id() }]
            }
            // What has been eaten stays eaten; what is withdrawn stays withdrawn.
            Stage::Delivered { .. } | Stage::Canceled { .. } => Vec::new(),
        }
    }

    /// Refuses riders whom it is no business of. What waits is everybody's to know.
    fn is_for(&self, rider_id: AccountId) -> Result<(), Refusal> {
        let mine = self.stage.rider_id() == Some(rider_id);
        if mine || matches!(self.stage, Stage::Waiting { .. }) { Ok(()) } else { Err(Refusal::NotYours) }
    }

    pub(super) fn evolve(&mut self, event: &Event, at: Timestamp) {
        match (event, &mut self.stage) {
            (Event::Widened { radius_m, widen_at: next }, Stage::Waiting { widen_at, .. }) => {
                (self.radius_m, *widen_at) = (*radius_m, *next);
            }
            (Event::Escalated { .. }, Stage::Waiting { escalate_at, .. }) => *escalate_at = None,
            (Event::Claimed { rider_id, eta_from, eta_to }, stage) => {
                *stage = Stage::Claimed(Claim { rider_id: *rider_id, at, eta_from: *eta_from, eta_to: *eta_to });
            }
            (Event::Released { rider_id, widen_at, escalate_at, .. }, stage) => {
                *stage = Stage::Waiting { since: at, widen_at: *widen_at, escalate_at: Some(*escalate_at) };
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
                Event::Widened { .. }
                | Event::Escalated { .. }
                | Event::PickedUp { .. }
                | Event::Delivered { .. }
                | Event::Requested { .. }
                | Event::Withdrawn,
                _,
            ) => {}
        }
    }
}
