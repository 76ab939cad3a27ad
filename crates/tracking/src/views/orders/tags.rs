//! What an order's document is found by: a pure function of the slots.

use baedal_contracts::order::CancelReason;
use baedal_contracts::store::TicketStatus;
use baedal_contracts::{AccountId, StoreId};
use serde::Serialize;
use utoipa::ToSchema;

use super::document::OrderDocument;
use super::order_slot::{End, OrderSlot};
use super::status::OrderStatus;

/// Orders that have not ended.
pub(crate) const ACTIVE: &str = "active";
/// Orders of which money is still to go back.
pub(crate) const REFUND_DUE: &str = "refund_due";
/// Orders that no rider takes.
pub(crate) const ESCALATED: &str = "escalated";
/// Orders that their riders do not fetch.
pub(crate) const PICKUP_OVERDUE: &str = "pickup_overdue";
/// Orders that their riders do not bring.
pub(crate) const CARRIED_TOO_LONG: &str = "carried_too_long";
/// Orders that were canceled because nobody delivered them.
pub(crate) const ABANDONED: &str = "abandoned";

/// A customer's orders.
pub(crate) fn customer(id: AccountId) -> String {
    format!("customer:{id}")
}

/// The orders of an owner's stores.
pub(crate) fn owner(id: AccountId) -> String {
    format!("owner:{id}")
}

/// A rider's orders.
pub(crate) fn rider(id: AccountId) -> String {
    format!("rider:{id}")
}

/// The tickets on a kitchen's board: those that are not rejected, canceled or picked up.
pub(crate) fn board(store: StoreId) -> String {
    format!("board:{store}")
}

/// A kitchen's tickets of one status.
pub(crate) fn board_of(store: StoreId, status: TicketStatus) -> String {
    format!("board:{store}:{status}")
}

/// Orders that wait for the same thing to happen.
pub(crate) fn waits_for(what: WaitsFor) -> String {
    format!("waits:{what}")
}

/// What an order waits for; each has a deadline.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema, strum::Display, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum WaitsFor {
    /// That it is paid.
    Payment,
    /// That the kitchen answers.
    Kitchen,
    /// That it is cooked and brought.
    Delivery,
    /// That the customer confirms.
    Completion,
}

impl OrderDocument {
    /// All of them. None until order itself was heard.
    pub(crate) fn tags(&self) -> Vec<String> {
        let Some(order) = &self.order else { return Vec::new() };
        let status = self.status(order);
        let mut tags = vec![customer(order.customer_id), owner(order.store.owner_id)];
        tags.extend(self.delivery.as_ref().and_then(|delivery| delivery.rider_id).map(rider));
        tags.extend(self.board_tags(order, status));
        if let Some(what) = self.waits(order) {
            tags.extend([ACTIVE.to_owned(), waits_for(what)]);
        }
        if !self.refund_due(order).is_zero() {
            tags.push(REFUND_DUE.to_owned());
        }
        if self.is_escalated(order) {
            tags.push(ESCALATED.to_owned());
        }
        if self.is_pickup_overdue(order) {
            tags.push(PICKUP_OVERDUE.to_owned());
        }
        if self.is_carried_too_long(order) {
            tags.push(CARRIED_TOO_LONG.to_owned());
        }
        if matches!(order.end, Some((End::Canceled { reason: CancelReason::Abandoned, .. }, _))) {
            tags.push(ABANDONED.to_owned());
        }
        tags
    }

    fn board_tags(&self, order: &OrderSlot, status: OrderStatus) -> Vec<String> {
        let Some(ticket) = self.ticket.as_ref().filter(|ticket| ticket.opened.is_some()) else { return Vec::new() };
        let store = order.store.store_id;
        match ticket.ended {
            Some(ended) => vec![board_of(store, ended)],
            None if status < OrderStatus::PickedUp => vec![board(store), board_of(store, ticket.reached)],
            None => Vec::new(),
        }
    }

    /// What the order waits for; nothing once it has ended.
    pub(crate) fn waits(&self, order: &OrderSlot) -> Option<WaitsFor> {
        match self.status(order) {
            OrderStatus::AwaitingPayment => Some(WaitsFor::Payment),
            OrderStatus::Paid => Some(WaitsFor::Kitchen),
            OrderStatus::Accepted
            | OrderStatus::Cooking
            | OrderStatus::Cooked
            | OrderStatus::RiderAssigned
            | OrderStatus::PickedUp => Some(WaitsFor::Delivery),
            OrderStatus::Delivered => Some(WaitsFor::Completion),
            OrderStatus::Completed | OrderStatus::Canceled | OrderStatus::Rejected => None,
        }
    }
}
