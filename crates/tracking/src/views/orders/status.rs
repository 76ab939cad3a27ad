//! How far an order is, and what money is to go back: pure functions of the slots.

use baedal_contracts::Won;
use baedal_contracts::store::TicketStatus;
use serde::Serialize;
use utoipa::ToSchema;

use super::delivery_slot::{DeliverySlot, Way};
use super::document::OrderDocument;
use super::order_slot::{End, OrderSlot};

/// How far an order is, as everyone sees it. Those before the ends are in the order of an order's life.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, ToSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum OrderStatus {
    /// Placed; not paid yet.
    AwaitingPayment,
    /// Paid; the kitchen has not answered.
    Paid,
    /// The kitchen will cook it.
    Accepted,
    /// On the stove.
    Cooking,
    /// Waits for a rider.
    Cooked,
    /// A rider is on the way to the store.
    RiderAssigned,
    /// A rider is on the way to the customer.
    PickedUp,
    /// With the customer, says the rider.
    Delivered,
    /// With the customer: the deal is done.
    Completed,
    /// Ended without the food.
    Canceled,
    /// The store said no.
    Rejected,
}

/// Whether money is to go back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefundStatus {
    /// None is.
    None,
    /// Some is on its way.
    Pending,
    /// All that was to go back has.
    Done,
}

impl OrderDocument {
    /// How far the order is. Order alone knows how it ended; before that it is as far as the furthest that
    /// anybody said, as the one who knows more may have been heard sooner.
    pub(crate) fn status(&self, order: &OrderSlot) -> OrderStatus {
        if let Some((end, _)) = &order.end {
            return match end {
                End::Completed => OrderStatus::Completed,
                End::Canceled { .. } => OrderStatus::Canceled,
                End::Rejected { .. } => OrderStatus::Rejected,
            };
        }
        let said_order = if order.paid_at.is_some() { OrderStatus::Paid } else { OrderStatus::AwaitingPayment };
        let said_kitchen = self.ticket.as_ref().map(|ticket| match ticket.reached {
            TicketStatus::Accepted => OrderStatus::Accepted,
            TicketStatus::Cooking => OrderStatus::Cooking,
            TicketStatus::Cooked => OrderStatus::Cooked,
            // How it ended is kept apart; what it had reached is never one of the last two.
            TicketStatus::Open | TicketStatus::Rejected | TicketStatus::Canceled => OrderStatus::Paid,
        });
        let said_delivery = self.delivery.as_ref().map(|delivery| match delivery.reached {
            Way::None => OrderStatus::Paid,
            Way::Waiting => OrderStatus::Cooked,
            Way::Claimed => OrderStatus::RiderAssigned,
            Way::PickedUp => OrderStatus::PickedUp,
            Way::Delivered => OrderStatus::Delivered,
        });
        said_order.max(said_kitchen.unwrap_or(said_order)).max(said_delivery.unwrap_or(said_order))
    }

    /// What is still to go back: what payment has promised, or, where payment has not spoken since the
    /// order ended, what was taken beyond what the customer owes then.
    pub(crate) fn refund_due(&self, order: &OrderSlot) -> Won {
        let payment = &self.payment;
        let promised = payment.promised_krw.less(payment.refunded_krw);
        let owed = match &order.end {
            Some((End::Canceled { owed_krw, .. }, _)) => *owed_krw,
            Some((End::Rejected { .. }, _)) => Won::ZERO,
            Some((End::Completed, _)) => match order.owed_krw {
                Some(owed_krw) => owed_krw,
                None => return promised,
            },
            None => return promised,
        };
        promised.max(payment.captured_krw.less(payment.refunded_krw).less(owed))
    }

    pub(crate) fn refund_status(&self, order: &OrderSlot) -> RefundStatus {
        if !self.refund_due(order).is_zero() {
            RefundStatus::Pending
        } else if self.payment.refunded_krw.is_zero() {
            RefundStatus::None
        } else {
            RefundStatus::Done
        }
    }

    /// Whether an operator should look, because no rider takes it.
    pub(crate) fn is_escalated(&self, order: &OrderSlot) -> bool {
        let waits = |delivery: &DeliverySlot| delivery.escalated && delivery.reached <= Way::Waiting;
        order.end.is_none() && self.delivery.as_ref().is_some_and(waits)
    }

    /// Whether an operator should look, because its rider does not fetch it.
    pub(crate) fn is_pickup_overdue(&self, order: &OrderSlot) -> bool {
        order.end.is_none() && self.delivery.as_ref().is_some_and(|delivery| delivery.pickup_overdue)
    }

    /// Whether an operator should look, because its rider does not bring it.
    pub(crate) fn is_carried_too_long(&self, order: &OrderSlot) -> bool {
        order.abandon_at.is_some() && self.status(order) == OrderStatus::PickedUp
    }
}
