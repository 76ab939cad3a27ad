//! How each order is: one document per order, whose id is the order's.

pub(crate) mod board;
mod deadline;
pub(crate) mod delivery_slot;
pub(crate) mod document;
pub(crate) mod heard;
pub(crate) mod order_slot;
pub(crate) mod payment_slot;
pub(crate) mod shown;
pub(crate) mod status;
pub(crate) mod tags;
pub(crate) mod ticket;
pub(crate) mod ticket_slot;
pub(crate) mod timeline;

use std::time::Duration;

use async_trait::async_trait;
use baedal_contracts::source;
use baedal_kit::{Envelope, Failure};
use baedal_kit_runtime::{Consumer, Projection, UnitOfWork};

use document::OrderDocument;
use heard::Heard;

/// The view, and the projection that writes it.
pub(crate) const ORDERS: &str = "orders";

/// Keeps [`ORDERS`].
pub(crate) struct Orders;

#[async_trait]
impl Consumer for Orders {
    fn name(&self) -> &'static str {
        ORDERS
    }

    fn sources(&self) -> &'static [&'static str] {
        &[source::ORDER, source::PAYMENT, source::STORE, source::DELIVERY]
    }

    fn linger(&self) -> Duration {
        // People watch their order: this is all that they can spare.
        Duration::from_millis(4)
    }

    async fn handle(&self, envelope: &Envelope, work: &mut UnitOfWork) -> Result<(), Failure> {
        let Some(heard) = Heard::of(envelope)? else { return Ok(()) };
        let Some(order_id) = heard.order_id() else { return Ok(()) };
        let id = order_id.to_string();
        let found = work.document(ORDERS, &id).await?;
        let mut document = found.unwrap_or_else(|| OrderDocument::new(order_id));
        if document.handle(heard, envelope.id, envelope.at)? {
            work.put(ORDERS, &id, &document, document.tags())?;
        }
        Ok(())
    }
}

impl Projection for Orders {
    fn views(&self) -> &'static [&'static str] {
        &[ORDERS]
    }

    fn remembers(&self) -> bool {
        true
    }
}
