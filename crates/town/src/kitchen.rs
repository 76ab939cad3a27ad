//! What a kitchen does: look at the board, take tickets or not, cook them.

use std::collections::HashSet;

use baedal_client::types::Rejection;
use baedal_client::{Error, Session};
use baedal_contracts::OrderId;
use baedal_contracts::store::RejectReason;

use crate::PATIENCE;
use crate::habits::{Habits, between, happens, one_of};
use crate::seed::Kitchen;

/// Works for ever.
pub(crate) async fn work(kitchen: Kitchen, habits: Habits) {
    let mut taken: HashSet<OrderId> = HashSet::new();
    let mut stoves = tokio::task::JoinSet::new();
    let path = format!("/api/stores/{}/tickets/live", kitchen.store_id);
    loop {
        if let Ok(mut board) = kitchen.owner.live(&path, None).await {
            // A frame means that the board has changed.
            while let Ok(Some(_)) = board.next().await {
                let Ok(tickets) = kitchen.owner.tickets(kitchen.store_id).await else { continue };
                let on_board: HashSet<OrderId> = tickets.items.iter().map(|ticket| ticket.order_id).collect();
                for ticket in tickets.items {
                    if ticket.status == "open" && taken.insert(ticket.order_id) {
                        let text = one_of(&kitchen.reject_texts).cloned().unwrap_or_default();
                        let minutes = kitchen.cook_minutes;
                        stoves.spawn(handle(kitchen.owner.clone(), ticket.order_id, minutes, text, habits));
                    }
                }
                taken.retain(|order| on_board.contains(order));
                while stoves.try_join_next().is_some() {}
            }
        }
        tokio::time::sleep(PATIENCE).await;
    }
}

/// One ticket, from the bell to the counter.
async fn handle(owner: Session, order: OrderId, cook_minutes: u32, text: String, habits: Habits) {
    habits.think(5.0, 40.0).await;
    if happens(0.01) {
        // Nobody hears the bell: the platform rejects it in time.
        return;
    }
    if happens(0.03) {
        let _ = owner.reject(order, &Rejection { reason: RejectReason::TooBusy, text }).await;
        return;
    }
    if owner.accept(order, cook_minutes).await.is_err() {
        return;
    }
    habits.think(10.0, 90.0).await;
    // A change may hold the kitchen still for a moment; a cancel takes the ticket away.
    while let Err(error) = owner.start(order).await {
        if !error.is("change_pending") && !matches!(error, Error::NoAnswer { .. }) {
            return;
        }
        tokio::time::sleep(PATIENCE).await;
    }
    habits.pause(f64::from(cook_minutes) * 60.0 * between(0.7, 1.1)).await;
    let _ = owner.finish(order).await;
}
