//! An order as its kitchen sees it: a pure function of the slots.

use baedal_contracts::order::Line;
use baedal_contracts::store::TicketStatus;
use baedal_contracts::{OrderId, OrderNo, Place};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::board::Turn;
use super::document::OrderDocument;
use super::order_slot::Pending;
use super::shown::OrderRider;

/// A ticket on a kitchen's board.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub(crate) struct TicketView {
    /// Which order.
    order_id: OrderId,
    /// What people call it.
    order_no: OrderNo,
    /// How far it is.
    status: TicketStatus,
    /// What the customer has asked and the kitchen has not answered.
    pending: Option<Pending>,
    /// What to cook.
    items: Vec<Line>,
    /// What the customer said; may be empty.
    note: String,
    /// Where it goes.
    deliver_to: Place,
    /// How long cooking takes, from when it was accepted.
    cook_minutes: Option<u32>,
    /// When it should be cooked; once it is, when it was.
    cooked_at: Option<Timestamp>,
    /// Who fetches it.
    rider: Option<OrderRider>,
    /// When it came.
    opened_at: Timestamp,
    /// When it is rejected if the kitchen has not answered; nothing once it has.
    answer_by: Option<Timestamp>,
}

impl TicketView {
    /// Where it stands on the board.
    pub(crate) fn turn(&self) -> Turn {
        Turn { opened_at: self.opened_at, order_id: self.order_id }
    }
}

impl OrderDocument {
    /// The order as its kitchen sees it; nothing where it has no ticket.
    pub(crate) fn ticket_shown(self) -> Option<TicketView> {
        let rider = OrderRider::of(&self);
        let ticket = self.ticket?;
        let status = ticket.status();
        let opened = ticket.opened?;
        Some(TicketView {
            order_id: self.order_id,
            order_no: OrderNo::of(self.order_id),
            status,
            pending: self.order.and_then(|order| order.pending),
            items: opened.items,
            note: opened.note,
            deliver_to: opened.deliver_to,
            cook_minutes: ticket.cook_minutes,
            cooked_at: ticket.cooked_at,
            rider,
            opened_at: opened.at,
            answer_by: Some(opened.answer_by).filter(|_| status == TicketStatus::Open),
        })
    }
}
