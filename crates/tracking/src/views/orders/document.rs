//! An order as it is kept: one slot for each context, written by that context's events alone.
//!
//! ```text
//!   order    ──▶ order slot    ┐
//!   payment  ──▶ payment slot  │  pure functions   ┌ shown:  what people see
//!   store    ──▶ ticket slot   ├──────────────────▶│ ticket: what the kitchen sees
//!   delivery ──▶ delivery slot │                   │ tags:   what it is found by
//!   all      ──▶ timeline      ┘                   └ overdue: whether it is stuck
//! ```
//!
//! Events of one context come in order; those of different contexts come in any order relative to each
//! other. As no slot reads another when it hears, every interleaving ends in the same document, and so
//! does hearing all of it again. The timeline is a set, kept sorted.

use baedal_contracts::identity::Role;
use baedal_contracts::{AccountId, OrderId};
use baedal_kit::Failure;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::delivery_slot::DeliverySlot;
use super::heard::Heard;
use super::order_slot::OrderSlot;
use super::payment_slot::PaymentSlot;
use super::ticket_slot::TicketSlot;
use super::timeline::Timeline;

/// All that is known of an order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct OrderDocument {
    pub(crate) order_id: OrderId,
    /// Nothing until order itself was heard: until then nobody sees the document.
    pub(crate) order: Option<OrderSlot>,
    pub(crate) payment: PaymentSlot,
    pub(crate) ticket: Option<TicketSlot>,
    pub(crate) delivery: Option<DeliverySlot>,
    pub(crate) timeline: Timeline,
}

/// Whether somebody may see exactly where an order goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Openness {
    /// For as long as he may see the order.
    Open,
    /// Until then.
    OpenUntil(Timestamp),
    /// Not any more.
    Closed,
}

impl OrderDocument {
    /// An order of which nothing was heard.
    pub(crate) fn new(order_id: OrderId) -> Self {
        Self {
            order_id,
            order: None,
            payment: PaymentSlot::default(),
            ticket: None,
            delivery: None,
            timeline: Timeline::default(),
        }
    }

    /// Hears an event. Whether anything is different now: an event that stands in the timeline was heard
    /// before.
    pub(crate) fn handle(&mut self, heard: Heard, event_id: Uuid, at: Timestamp) -> Result<bool, Failure> {
        if self.timeline.holds(event_id) {
            return Ok(false);
        }
        self.timeline.add(&heard, event_id, at);
        match heard {
            Heard::Order(event) => OrderSlot::handle(&mut self.order, event, at)?,
            Heard::Payment(event) => self.payment.handle(event),
            Heard::Store(event) => self.ticket.get_or_insert_default().handle(event, at),
            Heard::Delivery(event) => self.delivery.get_or_insert_default().handle(event, at),
        }
        Ok(true)
    }

    /// Whether this account may see the order: its customer, its store's owner, its rider, any operator.
    pub(crate) fn is_visible_to(&self, role: Role, account: AccountId) -> bool {
        let Some(order) = &self.order else { return false };
        match role {
            Role::Customer => order.customer_id == account,
            Role::Owner => order.store.owner_id == account,
            Role::Rider => self.delivery.as_ref().is_some_and(|delivery| delivery.rider_id == Some(account)),
            Role::Operator => true,
        }
    }

    /// Whether somebody who may see the order may see exactly where it goes, and what the customer said. A rider may
    /// while he carries it, and for `shown_for` after its end.
    pub(crate) fn openness(&self, role: Role, shown_for: SignedDuration, now: Timestamp) -> Openness {
        match role {
            Role::Customer | Role::Owner | Role::Operator => return Openness::Open,
            Role::Rider => {}
        }
        let delivered_at = self.delivery.as_ref().and_then(|delivery| delivery.delivered_at);
        let ended_at = self.order.as_ref().and_then(|order| order.end.as_ref()).map(|(_, at)| *at);
        let Some(end) = delivered_at.or(ended_at) else { return Openness::Open };
        let until = end.saturating_add(shown_for).unwrap_or(end);
        if now < until { Openness::OpenUntil(until) } else { Openness::Closed }
    }
}
