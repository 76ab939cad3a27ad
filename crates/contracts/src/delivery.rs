//! What delivery tells: who brings the food, and how far it is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use utoipa::ToSchema;

use crate::{AccountId, OrderId, OrderNo, Place, StoreId};

/// How far a delivery is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryStatus {
    /// For a rider to claim.
    Waiting,
    /// A rider is on the way to the store.
    Claimed,
    /// A rider is on the way to the customer.
    PickedUp,
    /// With the customer.
    Delivered,
    /// Withdrawn.
    Canceled,
}

/// A public event of delivery. Every one is about one order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, IntoStaticStr, ToSchema)]
pub enum Event {
    /// Food waits for a rider.
    DeliveryRequested {
        /// Which order.
        order_id: OrderId,
        /// What the rider compares with the bag.
        order_no: OrderNo,
        /// From which store.
        store_id: StoreId,
        /// What the store is called.
        store_name: String,
        /// Where to fetch it.
        pickup: Place,
        /// Where to bring it.
        deliver_to: Place,
        /// Who waits for it.
        customer_id: AccountId,
        /// The riders nearest to it who are on duty, nearest first: those who are told.
        riders: Vec<AccountId>,
    },
    /// A rider will bring it.
    DeliveryClaimed {
        /// Which order.
        order_id: OrderId,
        /// Who.
        rider_id: AccountId,
        /// When it should be with the customer, at the earliest.
        eta_from: Timestamp,
        /// When it should be with the customer, at the latest.
        eta_to: Timestamp,
    },
    /// The rider does not bring it after all: it waits again.
    ClaimReleased {
        /// Which order.
        order_id: OrderId,
        /// Who gave it back, or lost it.
        rider_id: AccountId,
        /// The other riders nearest to it, nearest first: those who are told.
        riders: Vec<AccountId>,
        /// Why an operator took it back, in the operator's words; nothing where the rider gave it back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        taken_back: Option<String>,
    },
    /// The food is ready and claimed, and the rider has not fetched it for long: rider and operator are told.
    PickupOverdue {
        /// Which order.
        order_id: OrderId,
        /// Who has claimed it.
        rider_id: AccountId,
        /// Since when.
        claimed_at: Timestamp,
    },
    /// The rider has the food.
    PickedUp {
        /// Which order.
        order_id: OrderId,
        /// Who.
        rider_id: AccountId,
    },
    /// The customer has the food, says the rider.
    Delivered {
        /// Which order.
        order_id: OrderId,
        /// Who.
        rider_id: AccountId,
    },
    /// It has been ready for long and no rider has it: the operator is told.
    DeliveryEscalated {
        /// Which order.
        order_id: OrderId,
        /// Since when it is ready; claims that were given back meanwhile do not count.
        waiting_since: Timestamp,
    },
    /// It is withdrawn, because the order ended.
    DeliveryCanceled {
        /// Which order.
        order_id: OrderId,
        /// Who was on the way, if anybody was.
        rider_id: Option<AccountId>,
    },
}

impl Event {
    /// The order that it is about.
    #[must_use]
    pub fn order_id(&self) -> OrderId {
        match self {
            Self::DeliveryRequested { order_id, .. }
            | Self::DeliveryClaimed { order_id, .. }
            | Self::ClaimReleased { order_id, .. }
            | Self::PickupOverdue { order_id, .. }
            | Self::PickedUp { order_id, .. }
            | Self::Delivered { order_id, .. }
            | Self::DeliveryEscalated { order_id, .. }
            | Self::DeliveryCanceled { order_id, .. } => *order_id,
        }
    }
}
