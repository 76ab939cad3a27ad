//! The events that change how an order is seen. Others are not even decoded.

use baedal_contracts::{OrderId, delivery, order, payment, source, store};
use baedal_kit::{Envelope, Failure};

/// An event about an order, of one of the contexts that have a slot.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Heard {
    Order(order::Event),
    Payment(payment::Event),
    Store(store::Event),
    Delivery(delivery::Event),
}

impl Heard {
    /// What was heard, unless it changes nothing here.
    pub(crate) fn of(envelope: &Envelope) -> Result<Option<Self>, Failure> {
        Ok(match (envelope.source.as_str(), envelope.kind.as_str()) {
            // Stores themselves are another view's business.
            (
                source::STORE,
                "StoreRegistered" | "StoreChanged" | "StoreOpened" | "StoreClosed" | "MenuChanged" | "StockChanged",
            ) => None,
            // Between two contexts alone; what comes of it, order tells.
            (source::ORDER, "OrderChangeChargeDue")
            | (source::STORE, "TicketChangeReserved" | "TicketChangeRefused" | "TicketCancelRefused") => None,
            (source::ORDER, _) => Some(Self::Order(envelope.read()?)),
            (source::PAYMENT, _) => Some(Self::Payment(envelope.read()?)),
            (source::STORE, _) => Some(Self::Store(envelope.read()?)),
            (source::DELIVERY, _) => Some(Self::Delivery(envelope.read()?)),
            _ => None,
        })
    }

    /// The order that it is about.
    pub(crate) fn order_id(&self) -> Option<OrderId> {
        match self {
            Self::Order(event) => Some(event.order_id()),
            Self::Payment(event) => Some(event.order_id()),
            Self::Store(event) => event.order_id(),
            Self::Delivery(event) => Some(event.order_id()),
        }
    }
}
