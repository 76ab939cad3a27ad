//! What delivery said of an order: who brings it, and how far it is.

use baedal_contracts::AccountId;
use baedal_contracts::delivery::Event;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How far the food is on its way. In the order in which it happens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    /// Withdrawn before it waited for anybody.
    #[default]
    None,
    Waiting,
    Claimed,
    PickedUp,
    Delivered,
}

/// The delivery's slot.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct DeliverySlot {
    /// How far it is, or was before it was withdrawn.
    pub(crate) reached: Way,
    /// Who brings it, or was to.
    pub(crate) rider_id: Option<AccountId>,
    pub(crate) eta_from: Option<Timestamp>,
    pub(crate) eta_to: Option<Timestamp>,
    /// It has been ready for long and no rider had it. Stays so while somebody has claimed it: should he give it
    /// back, it is still so.
    pub(crate) escalated: bool,
    /// Who has claimed it has not fetched it for long.
    #[serde(default)]
    pub(crate) pickup_overdue: bool,
    pub(crate) delivered_at: Option<Timestamp>,
}

impl DeliverySlot {
    pub(crate) fn handle(&mut self, event: Event, at: Timestamp) {
        match event {
            Event::DeliveryRequested { .. } => self.reached = self.reached.max(Way::Waiting),
            Event::DeliveryClaimed { rider_id, eta_from, eta_to, .. } => {
                self.reached = Way::Claimed;
                self.rider_id = Some(rider_id);
                (self.eta_from, self.eta_to) = (Some(eta_from), Some(eta_to));
                self.pickup_overdue = false;
            }
            Event::ClaimReleased { .. } => {
                self.reached = Way::Waiting;
                self.rider_id = None;
                (self.eta_from, self.eta_to) = (None, None);
                self.pickup_overdue = false;
            }
            Event::PickedUp { rider_id, .. } => {
                self.reached = Way::PickedUp;
                self.rider_id = Some(rider_id);
                self.pickup_overdue = false;
            }
            Event::Delivered { rider_id, .. } => {
                self.reached = Way::Delivered;
                self.rider_id = Some(rider_id);
                self.delivered_at = Some(at);
            }
            Event::DeliveryEscalated { .. } => self.escalated = true,
            Event::PickupOverdue { .. } => self.pickup_overdue = true,
            // The order says how it ended; its rider still sees that it did.
            Event::DeliveryCanceled { .. } => self.escalated = false,
        }
    }
}
