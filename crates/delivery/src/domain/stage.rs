//! What is brought, and how far it is: the parts of a delivery's state.

use baedal_contracts::delivery::DeliveryStatus;
use baedal_contracts::{AccountId, Location, OrderNo, Place, StoreId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is to be brought, from where, to whom.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Parcel {
    /// What the rider compares with the bag.
    pub(crate) order_no: OrderNo,
    /// Which kitchen.
    pub(crate) store_id: StoreId,
    /// What the store is called.
    pub(crate) store_name: String,
    /// Where to fetch it.
    pub(crate) pickup: Place,
    /// Where to bring it.
    pub(crate) deliver_to: Place,
    /// What the customer said.
    pub(crate) note: String,
    /// Who waits for it.
    pub(crate) customer_id: AccountId,
    /// What is in the bag.
    pub(crate) summary: String,
}

impl Parcel {
    /// About where it goes. Whoever has not claimed it learns no more, also not from what he is shown when he says that
    /// he is here or there: what is seen from where is reckoned from this.
    pub(crate) fn about_where(&self) -> Location {
        self.deliver_to.location.roughly()
    }
}

/// How far a delivery is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// For a rider to claim.
    Waiting,
    /// A rider is on the way to the store.
    Claimed(Claim),
    /// The rider is on the way to the customer.
    PickedUp {
        /// Who, since when.
        claim: Claim,
        /// When he had the food.
        at: Timestamp,
    },
    /// With the customer.
    Delivered {
        /// Who brought it.
        claim: Claim,
        /// When he had the food.
        picked_up_at: Timestamp,
        /// When the customer had it.
        at: Timestamp,
    },
    /// The order ended before.
    Canceled {
        /// Who was on the way.
        rider_id: Option<AccountId>,
        /// When.
        at: Timestamp,
    },
}

/// A rider's word that he will bring it.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Claim {
    /// Who.
    pub(crate) rider_id: AccountId,
    /// Since when.
    pub(crate) at: Timestamp,
    /// When it should be there, at the earliest.
    pub(crate) eta_from: Timestamp,
    /// When it should be there, at the latest.
    pub(crate) eta_to: Timestamp,
    /// When he and the operator are told that he has not fetched it; nothing where that is done.
    pub(crate) pick_up_by: Option<Timestamp>,
}

impl Stage {
    /// How far it is, in the published word.
    pub(crate) fn status(&self) -> DeliveryStatus {
        match self {
            Self::Waiting => DeliveryStatus::Waiting,
            Self::Claimed(_) => DeliveryStatus::Claimed,
            Self::PickedUp { .. } => DeliveryStatus::PickedUp,
            Self::Delivered { .. } => DeliveryStatus::Delivered,
            Self::Canceled { .. } => DeliveryStatus::Canceled,
        }
    }

    /// The rider's word, while it counts and after it was kept.
    pub(crate) fn claim(&self) -> Option<&Claim> {
        match self {
            Self::Claimed(claim) | Self::PickedUp { claim, .. } | Self::Delivered { claim, .. } => Some(claim),
            Self::Waiting | Self::Canceled { .. } => None,
        }
    }

    /// Whose delivery it is.
    pub(crate) fn rider_id(&self) -> Option<AccountId> {
        match self {
            Self::Waiting => None,
            Self::Claimed(claim) | Self::PickedUp { claim, .. } | Self::Delivered { claim, .. } => Some(claim.rider_id),
            Self::Canceled { rider_id, .. } => *rider_id,
        }
    }
}
