//! What an order's document is found by: a pure function of the slots.

use baedal_contracts::order::CancelReason;
use baedal_contracts::store::TicketStatus;
use baedal_contracts::{AccountId, StoreId};
use jiff::Timestamp;
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

/// A moment from which a deadline is reckoned. Orders are found by it in the order of time: how much later the deadline
/// is is a setting, and tags are made of events alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, strum::Display, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Since {
    /// By when it is to be paid.
    PayBy,
    /// By when the kitchen is to answer.
    AnswerBy,
    /// When it was paid.
    Paid,
    /// When it was delivered.
    Delivered,
}

/// Orders whose deadline is reckoned from this moment. Such tags are in the order of time.
pub(crate) fn since(since: Since, at: Timestamp) -> String {
    // Nanoseconds since 1970, which have 19 digits until 2286; what was before that is no time of an order.
    format!("since:{since}:{:019}", at.as_nanosecond().max(0))
}

/// The moment of a tag of [`since`].
pub(crate) fn moment(tag: &str) -> Option<Timestamp> {
    Timestamp::from_nanosecond(tag.rsplit(':').next()?.parse().ok()?).ok()
}

/// What an order waits for; each has a deadline.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
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
            tags.push(ACTIVE.to_owned());
            tags.extend(self.waits_since(order, what).into_iter().map(|(moment, at)| since(moment, at)));
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

    /// From when the deadlines of what it waits for are reckoned.
    pub(crate) fn waits_since(&self, order: &OrderSlot, what: WaitsFor) -> Vec<(Since, Timestamp)> {
        let paid = order.paid_at.map(|at| (Since::Paid, at));
        match what {
            WaitsFor::Payment => vec![(Since::PayBy, order.pay_by)],
            WaitsFor::Kitchen => {
                let opened = self.ticket.as_ref().and_then(|ticket| ticket.opened.as_ref());
                let answer = opened.map(|opened| (Since::AnswerBy, opened.answer_by));
                answer.into_iter().chain(paid).collect()
            }
            WaitsFor::Delivery => paid.into_iter().collect(),
            WaitsFor::Completion => {
                let delivered = self.delivery.as_ref().and_then(|delivery| delivery.delivered_at);
                delivered.into_iter().map(|at| (Since::Delivered, at)).collect()
            }
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
