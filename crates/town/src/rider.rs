//! What a rider does: stroll, look for food that waits, fetch it, bring it.

use baedal_client::types::{Delivery, RiderNow};
use baedal_client::{Error, Session};
use baedal_contracts::Location;

use crate::PATIENCE;
use crate::habits::{Habits, between, happens};
use crate::seed::Rider;

/// So near is there.
const ARRIVED_M: f64 = 20.0;

/// Rides for ever.
pub(crate) async fn ride(rider: Rider, place: usize, habits: Habits) {
    // Not everybody looks at the phone at the same moment.
    habits.pause(place as f64).await;
    let mut here = rider.home;
    loop {
        match round(&rider, &mut here, habits).await {
            Ok(()) => {}
            Err(_) => tokio::time::sleep(PATIENCE).await,
        }
    }
}

/// Looks once; brings one delivery where there is one.
async fn round(rider: &Rider, here: &mut Location, habits: Habits) -> Result<(), Error> {
    let session = &rider.session;
    let mine = session.get::<baedal_client::types::Page<Delivery>>("/api/deliveries/mine").await?;
    if let Some(delivery) =
        mine.items.into_iter().find(|delivery| matches!(delivery.status.as_str(), "claimed" | "picked_up"))
    {
        return bring(session, delivery, here, habits).await;
    }
    let nearby = session.nearby().await?;
    if let Some(nearest) = nearby.items.first() {
        let delivery = session.claim(nearest.order_id).await?;
        if happens(0.02) {
            // A flat tyre: somebody else has to go.
            habits.think(20.0, 60.0).await;
            session.release(delivery.order_id).await?;
            return Ok(());
        }
        return bring(session, delivery, here, habits).await;
    }
    let stroll = Location::new(rider.center.lat() + between(-0.008, 0.008), rider.center.lng() + between(-0.01, 0.01));
    *here = habits.stretch(*here, stroll.unwrap_or(rider.center)).await;
    session.ride(RiderNow { on_duty: true, location: *here }).await?;
    Ok(())
}

async fn bring(session: &Session, delivery: Delivery, here: &mut Location, habits: Habits) -> Result<(), Error> {
    if delivery.status == "claimed" {
        travel(session, here, delivery.pickup.location, habits).await?;
        habits.think(10.0, 60.0).await;
        session.pick_up(delivery.order_id).await?;
    }
    travel(session, here, delivery.deliver_to.location, habits).await?;
    habits.think(20.0, 90.0).await;
    session.deliver(delivery.order_id).await?;
    Ok(())
}

async fn travel(session: &Session, here: &mut Location, to: Location, habits: Habits) -> Result<(), Error> {
    while here.distance_m(to) > ARRIVED_M {
        *here = habits.stretch(*here, to).await;
        session.ride(RiderNow { on_duty: true, location: *here }).await?;
    }
    Ok(())
}
