//! What others are told: private event → public event.

use baedal_contracts::OrderId;
use baedal_contracts::delivery::Event as PublicEvent;
use baedal_kit::bus::{Public, publish_with};
use baedal_kit::{Failure, Recorded};

use crate::domain::{Event, Parcel};

/// The public event of a recorded one, where others are told.
///
/// # Errors
/// [`Failure::Broken`] where it cannot be read.
pub fn publish(recorded: &Recorded) -> Result<Option<Public>, Failure> {
    publish_with(recorded, |event: Event| {
        let order_id = recorded
            .stream_id()
            .parse()
            .map_err(|error| Failure::broken_by(format!("{} is no delivery's stream", recorded.stream), error))?;
        Ok(tell(order_id, event))
    })
}

fn tell(order_id: OrderId, event: Event) -> Option<PublicEvent> {
    Some(match event {
        Event::Requested { parcel, riders, .. } => {
            let Parcel { order_no, store_id, store_name, pickup, deliver_to, customer_id, .. } = parcel;
            PublicEvent::DeliveryRequested {
                order_id,
                order_no,
                store_id,
                store_name,
                pickup,
                deliver_to,
                customer_id,
                riders,
            }
        }
        Event::Claimed { rider_id, eta_from, eta_to, pick_up_by: _ } => {
            PublicEvent::DeliveryClaimed { order_id, rider_id, eta_from, eta_to }
        }
        Event::Released { rider_id, riders, taken_back, .. } => {
            PublicEvent::ClaimReleased { order_id, rider_id, riders, taken_back }
        }
        Event::PickupOverdue { rider_id, claimed_at } => PublicEvent::PickupOverdue { order_id, rider_id, claimed_at },
        Event::PickedUp { rider_id } => PublicEvent::PickedUp { order_id, rider_id },
        Event::Delivered { rider_id } => PublicEvent::Delivered { order_id, rider_id },
        Event::Escalated { waiting_since } => PublicEvent::DeliveryEscalated { order_id, waiting_since },
        Event::Canceled { rider_id } => PublicEvent::DeliveryCanceled { order_id, rider_id },
        // How far it is seen is ours to know; and what never began, nobody was told of.
        Event::Widened { .. } | Event::Withdrawn => return None,
    })
}
