//! One change of a delivery, with every document that changes with it, in one unit of work.

use std::sync::Arc;

use baedal_contracts::{AccountId, OrderId};
use baedal_kit::Failure;
use baedal_kit_runtime::UnitOfWork;

use crate::Settings;
use crate::domain::rider::Patience;
use crate::domain::{Command, Delivery, Errand, Event, Parcel, Refusal};
use crate::views;

/// What a rider may do with a delivery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// He will bring it.
    Claim,
    /// He does not after all.
    Release,
    /// He has the food.
    PickUp,
    /// The customer has it.
    Deliver,
}

/// Lets a rider do something with a delivery. The delivery as it is then, or why not.
pub(crate) async fn step(
    work: &mut UnitOfWork,
    settings: &Settings,
    order_id: OrderId,
    rider_id: AccountId,
    step: Step,
) -> Result<Result<Arc<Delivery>, Refusal>, Failure> {
    let command = match step {
        Step::Claim => Command::Claim {
            rider_id,
            rider: views::rider(work, rider_id).await?,
            capacity: settings.capacity,
            patience: settings.patience(),
            pace: settings.pace(),
            pick_up_within: settings.pick_up_within,
        },
        Step::Release => {
            let riders = whom_to_tell_again(work, settings, order_id, rider_id).await?;
            Command::Release { rider_id, riders, reach: settings.reach() }
        }
        Step::PickUp => Command::PickUp { rider_id },
        Step::Deliver => Command::Deliver { rider_id },
    };
    change(work, settings.patience(), order_id, command).await
}

/// Takes a claim back from a rider, as an operator wishes. The delivery as it is then, or why not.
pub(crate) async fn take_back(
    work: &mut UnitOfWork,
    settings: &Settings,
    order_id: OrderId,
    rider_id: AccountId,
    reason: String,
) -> Result<Result<Arc<Delivery>, Refusal>, Failure> {
    let riders = whom_to_tell_again(work, settings, order_id, rider_id).await?;
    let command = Command::TakeBack { rider_id, reason, riders, reach: settings.reach() };
    change(work, settings.patience(), order_id, command).await
}

/// The riders who are told that it waits again: none of those who have given it back or lost it.
async fn whom_to_tell_again(
    work: &mut UnitOfWork,
    settings: &Settings,
    order_id: OrderId,
    rider_id: AccountId,
) -> Result<Vec<AccountId>, Failure> {
    match &*work.load::<Delivery>(&order_id).await? {
        Delivery::Requested(errand) => {
            let Errand { parcel, radius_m, widen_at, released_by, .. } = errand.as_ref();
            let (radius_m, _) = settings.reach().grown(*radius_m, *widen_at, work.at());
            let except: Vec<_> = released_by.iter().copied().chain([rider_id]).collect();
            whom_to_tell(work, settings, parcel, radius_m, &except).await
        }
        Delivery::NotRequested | Delivery::Withdrawn => Ok(Vec::new()),
    }
}

/// The riders who are told that it waits.
pub(crate) async fn whom_to_tell(
    work: &UnitOfWork,
    settings: &Settings,
    parcel: &Parcel,
    radius_m: u32,
    except: &[AccountId],
) -> Result<Vec<AccountId>, Failure> {
    let places = (parcel.pickup.location, parcel.about_where());
    views::riders_near(work.service(), settings, places, radius_m, except).await
}

/// Decides a command that an event or a deadline asks for, and that is answered in every state.
pub(crate) async fn tell(
    work: &mut UnitOfWork,
    settings: &Settings,
    order_id: OrderId,
    command: Command,
) -> Result<(), Failure> {
    match change(work, settings.patience(), order_id, command).await? {
        Ok(_) => Ok(()),
        Err(refusal) => Err(Failure::broken(format!("the delivery of {order_id} refused what it may not: {refusal}"))),
    }
}

/// Decides a command, and writes the delivery, and the rider whose hands are fuller or emptier for it.
async fn change(
    work: &mut UnitOfWork,
    patience: Patience,
    order_id: OrderId,
    command: Command,
) -> Result<Result<Arc<Delivery>, Refusal>, Failure> {
    let events = match work.decide::<Delivery>(&order_id, command).await? {
        Ok(events) => events,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let delivery = work.load::<Delivery>(&order_id).await?;
    if events.is_empty() {
        return Ok(Ok(delivery));
    }
    for event in &events {
        match event {
            Event::Claimed { rider_id, .. } => {
                let mut rider = views::rider(work, *rider_id).await?;
                rider.take(order_id);
                views::keep_rider(work, *rider_id, &rider)?;
            }
            Event::Released { rider_id, taken_back, .. } => {
                let mut rider = views::rider(work, *rider_id).await?;
                rider.put_down(order_id);
                // What an operator took from him he did not give back.
                if taken_back.is_none() {
                    rider.release(patience, work.at());
                }
                views::keep_rider(work, *rider_id, &rider)?;
            }
            Event::Delivered { rider_id } | Event::Canceled { rider_id: Some(rider_id) } => {
                let mut rider = views::rider(work, *rider_id).await?;
                rider.put_down(order_id);
                views::keep_rider(work, *rider_id, &rider)?;
            }
            Event::Requested { .. }
            | Event::Widened { .. }
            | Event::Escalated { .. }
            | Event::PickupOverdue { .. }
            | Event::PickedUp { .. }
            | Event::Canceled { rider_id: None }
            | Event::Withdrawn => {}
        }
    }
    views::keep_delivery(work, order_id, &delivery).await?;
    Ok(Ok(delivery))
}
