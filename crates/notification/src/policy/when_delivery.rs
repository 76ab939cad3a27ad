//! What is said when food waits for a rider, is on its way, or arrives.

use baedal_contracts::delivery::Event;

use crate::ask::Draft;
use crate::templates::{Template, var};
use crate::words;

/// What is said at once.
pub(super) fn when_delivery_tells(event: Event) -> Vec<Draft> {
    match event {
        Event::DeliveryRequested { store_name, pickup, deliver_to, riders, .. } => {
            let draft = |rider_id| {
                Draft::to_rider(Template::DeliveryRequested, rider_id)
                    .with(var::STORE, &store_name)
                    .with(var::PICKUP, &pickup.address)
                    // The exact address is for the one who claims it.
                    .with(var::ADDRESS, deliver_to.roughly().address)
            };
            riders.into_iter().map(draft).collect()
        }
        Event::DeliveryClaimed { eta_from, eta_to, .. } => {
            vec![Draft::to_customer(Template::DeliveryClaimed).with(var::ETA, words::between(eta_from, eta_to))]
        }
        Event::ClaimReleased { rider_id, riders, taken_back, .. } => {
            let to_riders = riders.into_iter().map(|rider_id| Draft::to_rider(Template::DeliveryReopened, rider_id));
            // Who gave it back himself knows.
            let to_who_lost_it =
                taken_back.map(|reason| Draft::to_rider(Template::ClaimTakenBack, rider_id).with(var::REASON, reason));
            std::iter::once(Draft::to_customer(Template::ClaimReleased))
                .chain(to_who_lost_it)
                .chain(to_riders)
                .collect()
        }
        // The operator sees it among what is stuck.
        Event::PickupOverdue { rider_id, .. } => vec![Draft::to_rider(Template::PickupOverdue, rider_id)],
        Event::PickedUp { .. } => vec![Draft::to_customer(Template::PickedUp)],
        Event::Delivered { .. } => vec![Draft::to_customer(Template::Delivered)],
        Event::DeliveryCanceled { rider_id, .. } => {
            rider_id.map(|rider_id| Draft::to_rider(Template::DeliveryCanceled, rider_id)).into_iter().collect()
        }
        // The operator sees it among what is stuck; to the customer the food still waits.
        Event::DeliveryEscalated { .. } => vec![],
    }
}
