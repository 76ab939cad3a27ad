//! Decides what may happen to a delivery.
//!
//! A delivery begins when the kitchen has finished. Word that the order ended may come before that; then
//! the withdrawal is remembered, and the kitchen's word begins nothing.
//!
//! How long food waits is reckoned from the kitchen's word, whoever claimed it and gave it back meanwhile: a
//! release goes on with the radius and with the operator's time where they would be without the claim.

use baedal_contracts::{AccountId, OrderId};
use baedal_kit::Aggregate;
use baedal_kit::Job;
use baedal_kit::database::JobChange;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use uuid::Uuid;

use super::pace::Pace;
use super::rider::Patience;
use super::{Errand, Parcel, Reach, Rider};

/// The job that lets a delivery be seen from farther away.
pub(crate) const WIDEN: &str = "widen";
/// The job that tells the operator that nobody comes.
pub(crate) const ESCALATE: &str = "escalate";
/// The job that tells the rider and the operator that he has not fetched what he claimed.
pub(crate) const PICK_UP_BY: &str = "pick_up_by";

/// The delivery of one order.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(crate) enum Delivery {
    /// The kitchen has not finished.
    #[default]
    NotRequested,
    /// The order ended before the kitchen had finished: this never begins.
    Withdrawn,
    /// There is food to bring, or was.
    Requested(Box<Errand>),
}

/// What may be asked of a delivery.
#[derive(Clone, Debug, IntoStaticStr)]
pub(crate) enum Command {
    /// The kitchen has finished.
    Request {
        /// What to bring.
        parcel: Parcel,
        /// Who is told.
        riders: Vec<AccountId>,
        /// The rules of waiting.
        reach: Reach,
    },
    /// Nobody came for a while.
    Widen {
        /// The rules of waiting.
        reach: Reach,
    },
    /// Nobody came for long.
    Escalate,
    /// A rider will bring it.
    Claim {
        /// Who.
        rider_id: AccountId,
        /// As he is now.
        rider: Rider,
        /// How many he may carry.
        capacity: usize,
        /// How often he may give back.
        patience: Patience,
        /// How fast he is.
        pace: Pace,
        /// How long he has to fetch it before he and the operator are told.
        pick_up_within: SignedDuration,
    },
    /// The rider has had his time to fetch it.
    MissPickup,
    /// The rider does not bring it after all.
    Release {
        /// Who.
        rider_id: AccountId,
        /// Who is told.
        riders: Vec<AccountId>,
        /// The rules of waiting.
        reach: Reach,
    },
    /// An operator takes it back from a rider who does not fetch it.
    TakeBack {
        /// From whom.
        rider_id: AccountId,
        /// Why, in the operator's words.
        reason: String,
        /// Who is told.
        riders: Vec<AccountId>,
        /// The rules of waiting.
        reach: Reach,
    },
    /// The rider has the food.
    PickUp {
        /// Who.
        rider_id: AccountId,
    },
    /// The customer has the food.
    Deliver {
        /// Who says so.
        rider_id: AccountId,
    },
    /// The order ended.
    Withdraw,
}

/// What may happen to a delivery.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, IntoStaticStr)]
pub(crate) enum Event {
    /// It waits for a rider.
    Requested {
        /// What to bring.
        parcel: Parcel,
        /// Who is told, nearest first.
        riders: Vec<AccountId>,
        /// How far it is seen.
        radius_m: u32,
        /// When it is seen from farther away, unless somebody comes.
        widen_at: Option<Timestamp>,
        /// When the operator is told, unless somebody comes.
        escalate_at: Timestamp,
    },
    /// It is seen from farther away.
    Widened {
        /// How far it is seen.
        radius_m: u32,
        /// When it is seen from farther away again.
        widen_at: Option<Timestamp>,
    },
    /// The operator is told.
    Escalated {
        /// Since when it is ready.
        waiting_since: Timestamp,
    },
    /// A rider will bring it.
    Claimed {
        /// Who.
        rider_id: AccountId,
        /// When it should be there, at the earliest.
        eta_from: Timestamp,
        /// When it should be there, at the latest.
        eta_to: Timestamp,
        /// When he and the operator are told, unless he has fetched it.
        pick_up_by: Timestamp,
    },
    /// The rider has not fetched it for long: he and the operator are told.
    PickupOverdue {
        /// Who.
        rider_id: AccountId,
        /// Since when he has claimed it.
        claimed_at: Timestamp,
    },
    /// It waits again.
    Released {
        /// Who gave it back, or lost it.
        rider_id: AccountId,
        /// Who is told, nearest first.
        riders: Vec<AccountId>,
        /// How far it is seen.
        radius_m: u32,
        /// When it is seen from farther away, unless somebody comes.
        widen_at: Option<Timestamp>,
        /// When the operator is told, unless somebody comes; nothing where that is done.
        escalate_at: Option<Timestamp>,
        /// Why an operator took it back; nothing where the rider gave it back.
        taken_back: Option<String>,
    },
    /// The rider has the food.
    PickedUp {
        /// Who.
        rider_id: AccountId,
    },
    /// The customer has the food.
    Delivered {
        /// Who brought it.
        rider_id: AccountId,
    },
    /// The order ended before it was there.
    Canceled {
        /// Who was on the way.
        rider_id: Option<AccountId>,
    },
    /// The order ended before the kitchen had finished.
    Withdrawn,
}

/// Why a rider may not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// No such delivery, as far as we have heard.
    #[error("there is no such delivery")]
    Unknown,
    /// Somebody else's, and no business of this rider.
    #[error("it is another rider's delivery")]
    NotYours,
    /// The race was lost.
    #[error("another rider has claimed it")]
    AlreadyClaimed,
    /// He takes no deliveries now.
    #[error("you are not on duty")]
    NotOnDuty,
    /// He does not see it from where he is.
    #[error("you are too far from it")]
    TooFar,
    /// He has claimed and given back too often.
    #[error("you have given back too many deliveries lately")]
    ReleasedTooOften {
        /// He may claim again then.
        until: Timestamp,
    },
    /// He has his hands full.
    #[error("you carry as many deliveries as you may")]
    CarryingTooMany,
    /// First things first.
    #[error("nobody has claimed it yet")]
    NotClaimed,
    /// First things first.
    #[error("it has not been picked up yet")]
    NotPickedUp,
    /// There is no way back.
    #[error("it has been picked up and can no longer be given back")]
    AlreadyPickedUp,
    /// Who was to lose it has it no more.
    #[error("that rider has not claimed it")]
    ClaimGone,
    /// The order ended.
    #[error("the order has ended and its delivery is withdrawn")]
    Canceled,
}

impl Aggregate for Delivery {
    const CATEGORY: &'static str = "delivery";
    type Id = OrderId;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;

    fn decide(&self, command: Command, at: Timestamp) -> Result<Vec<Event>, Refusal> {
        use Command::{Claim, Deliver, Escalate, MissPickup, PickUp, Release, Request, TakeBack, Widen, Withdraw};
        match (self, command) {
            (Self::NotRequested, Request { parcel, riders, reach }) => Ok(vec![Event::Requested {
                parcel,
                riders,
                radius_m: reach.radius_m,
                widen_at: reach.widen_at(reach.radius_m, at),
                escalate_at: reach.escalate_at(at),
            }]),
            (Self::NotRequested, Withdraw) => Ok(vec![Event::Withdrawn]),
            // The kitchen's word comes too late, or something comes twice.
            (Self::Withdrawn, Request { .. } | Withdraw) => Ok(Vec::new()),
            // A deadline that nobody can have set: the delivery never waited.
            (Self::NotRequested | Self::Withdrawn, Widen { .. } | Escalate | MissPickup) => Ok(Vec::new()),
            (
                Self::NotRequested | Self::Withdrawn,
                Claim { .. } | Release { .. } | TakeBack { .. } | PickUp { .. } | Deliver { .. },
            ) => Err(Refusal::Unknown),
            (Self::Requested(_), Request { .. }) => Ok(Vec::new()),
            (Self::Requested(errand), Widen { reach }) => Ok(errand.widen(reach, at)),
            (Self::Requested(errand), Escalate) => Ok(errand.escalate(at)),
            (Self::Requested(errand), MissPickup) => Ok(errand.miss_pickup(at)),
            (Self::Requested(errand), Claim { rider_id, rider, capacity, patience, pace, pick_up_within }) => {
                let claimed = errand.claim(rider_id, &rider, capacity, patience, pace, at)?;
                let pick_up_by = at + pick_up_within;
                Ok(claimed
                    .map(|(eta_from, eta_to)| Event::Claimed { rider_id, eta_from, eta_to, pick_up_by })
                    .into_iter()
                    .collect())
            }
            (Self::Requested(errand), TakeBack { rider_id, reason, riders, reach }) => {
                errand.take_back(rider_id, reason, riders, reach, at)
            }
            (Self::Requested(errand), Release { rider_id, riders, reach }) => {
                errand.release(rider_id, riders, reach, at)
            }
            (Self::Requested(errand), PickUp { rider_id }) => errand.pick_up(rider_id),
            (Self::Requested(errand), Deliver { rider_id }) => errand.deliver(rider_id),
            (Self::Requested(errand), Withdraw) => Ok(errand.withdraw()),
        }
    }

    fn evolve(&mut self, event: &Event, at: Timestamp) {
        match (&mut *self, event) {
            (_, Event::Requested { parcel, radius_m, widen_at, escalate_at, .. }) => {
                let errand = Errand::requested(parcel.clone(), *radius_m, at, *widen_at, *escalate_at);
                *self = Self::Requested(Box::new(errand));
            }
            (_, Event::Withdrawn) => *self = Self::Withdrawn,
            (Self::Requested(errand), event) => errand.evolve(event, at),
            // Nothing else happens to what was never requested.
            (Self::NotRequested | Self::Withdrawn, _) => {}
        }
    }

    fn creates(command: &Command) -> bool {
        matches!(command, Command::Request { .. })
    }

    fn correlation(id: &OrderId, _event: &Event) -> Option<Uuid> {
        Some(id.0)
    }

    fn jobs(id: &OrderId, event: &Event) -> Vec<JobChange> {
        let begin = |kind, run_at| JobChange::Schedule(Job::new(kind, id, run_at).about(id.0));
        let end = |kind| JobChange::unschedule(kind, id);
        match event {
            Event::Requested { widen_at, escalate_at, .. } => {
                widen_at.map(|at| begin(WIDEN, at)).into_iter().chain([begin(ESCALATE, *escalate_at)]).collect()
            }
            Event::Released { widen_at, escalate_at, .. } => {
                let widen = widen_at.map(|at| begin(WIDEN, at));
                let escalate = escalate_at.map(|at| begin(ESCALATE, at));
                [end(PICK_UP_BY)].into_iter().chain(widen).chain(escalate).collect()
            }
            Event::Widened { widen_at, .. } => widen_at.map(|at| begin(WIDEN, at)).into_iter().collect(),
            Event::Claimed { pick_up_by, .. } => vec![end(WIDEN), end(ESCALATE), begin(PICK_UP_BY, *pick_up_by)],
            Event::PickedUp { .. } => vec![end(PICK_UP_BY)],
            Event::Canceled { .. } => vec![end(WIDEN), end(ESCALATE), end(PICK_UP_BY)],
            Event::Escalated { .. } | Event::PickupOverdue { .. } | Event::Delivered { .. } | Event::Withdrawn => {
                Vec::new()
            }
        }
    }
}
