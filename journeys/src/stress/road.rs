//! The riders of an order.

use std::time::Duration;

use super::script::Road;
use super::table::{Seen, Table};

/// Does with the delivery what the script says.
pub(super) async fn ride(table: Table) {
    let mut turn = table.script.number;
    match table.script.road {
        Road::Brings { step, releases } => {
            for _ in 0..releases {
                let Some(rider) = claims(&table, step, &mut turn).await else { return };
                gives_back(&table, step, rider).await;
                turn += 1;
            }
            let Some(rider) = claims(&table, step, &mut turn).await else { return };
            picks_up(&table, step, rider).await;
            brings(&table, step, rider).await;
        }
        Road::ForgetsToPickUp => drop(claims(&table, Duration::ZERO, &mut turn).await),
        Road::Vanishes => {
            let Some(rider) = claims(&table, Duration::ZERO, &mut turn).await else { return };
            picks_up(&table, Duration::ZERO, rider).await;
        }
        Road::Nobody => {}
    }
}

/// Whoever has a free hand. Which rider it was.
async fn claims(table: &Table, after: Duration, turn: &mut usize) -> Option<usize> {
    let order = table.order;
    let next = || {
        *turn += 1;
        *turn
    };
    let riders = &table.people.riders;
    table.at(Seen::Cooked, after, next, riders, |rider| async move { rider.claim(order).await.map(drop) }).await
}

async fn gives_back(table: &Table, after: Duration, rider: usize) {
    let order = table.order;
    let riders = &table.people.riders;
    table.at(Seen::RiderAssigned, after, || rider, riders, |rider| async move { rider.release(order).await }).await;
    // Seen free again, it can be claimed again.
    let mut seen = table.seen.clone();
    let _ = tokio::time::timeout_at(table.over, seen.wait_for(|seen| *seen != Seen::RiderAssigned)).await;
}

async fn picks_up(table: &Table, after: Duration, rider: usize) {
    let order = table.order;
    let riders = &table.people.riders;
    let pick_up = |rider: baedal_client::Session| async move { rider.pick_up(order).await.map(drop) };
    table.at(Seen::RiderAssigned, after, || rider, riders, pick_up).await;
}

async fn brings(table: &Table, after: Duration, rider: usize) {
    let order = table.order;
    let riders = &table.people.riders;
    let deliver = |rider: baedal_client::Session| async move { rider.deliver(order).await.map(drop) };
    table.at(Seen::PickedUp, after, || rider, riders, deliver).await;
}
