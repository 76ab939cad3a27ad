//! Every public event about an order, with what made it happen: how an order came to be what it is.

use std::time::Duration;

use async_trait::async_trait;
use baedal_contracts::{OrderId, source};
use baedal_kit::{CauseKind, Envelope, Failure};
use baedal_kit_runtime::{Consumer, Projection, UnitOfWork};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The view, and the projection that writes it.
pub(crate) const TRACE: &str = "trace";

/// Keeps [`TRACE`]: one document per event, whose id sorts by order, time, event.
pub(crate) struct Trace;

/// One event.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct TraceEntry {
    /// Which event.
    pub(crate) event_id: Uuid,
    /// The context that tells it.
    pub(crate) context: String,
    /// What happened.
    pub(crate) kind: String,
    /// When.
    pub(crate) at: Timestamp,
    /// The command that was decided.
    pub(crate) command: String,
    /// What made it happen.
    pub(crate) cause: TraceCause,
    /// The account that asked for it, where one did.
    pub(crate) actor: Option<Uuid>,
    /// W3C Trace Context of the request that everything began with.
    pub(crate) traceparent: Option<String>,
    /// Its place in the context's journal.
    pub(crate) position: u64,
}

/// What made an event happen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct TraceCause {
    /// `event`, then `id` is the `event_id` of the one above it in the tree; or `request` or `job`, then
    /// the events of one request or job carry the same `id`.
    #[schema(value_type = String, example = "event")]
    pub(crate) kind: CauseKind,
    /// Which one.
    pub(crate) id: Uuid,
    /// What it is called: `POST /api/orders`, `OrderPaid`, `payment_expired`.
    pub(crate) name: String,
}

/// The digits of a time in an id, in nanoseconds since 1970.
pub(crate) const TIME_DIGITS: usize = 20;

/// What the ids of an order's entries begin with.
pub(crate) fn prefix(order: OrderId) -> String {
    format!("{order}/")
}

impl TraceEntry {
    /// The id of its document.
    pub(crate) fn document_id(&self, order: OrderId) -> String {
        format!("{}{}", prefix(order), self.place())
    }

    /// Where it stands among those of its order.
    pub(crate) fn place(&self) -> String {
        format!("{:0TIME_DIGITS$}/{}", self.at.as_nanosecond(), self.event_id)
    }
}

#[async_trait]
impl Consumer for Trace {
    fn name(&self) -> &'static str {
        TRACE
    }

    fn sources(&self) -> &'static [&'static str] {
        &[source::ORDER, source::PAYMENT, source::STORE, source::DELIVERY, source::NOTIFICATION]
    }

    fn linger(&self) -> Duration {
        // Nobody watches a trace grow.
        Duration::from_millis(100)
    }

    async fn handle(&self, envelope: &Envelope, work: &mut UnitOfWork) -> Result<(), Failure> {
        let Some(order_id) = envelope.correlation.map(OrderId) else { return Ok(()) };
        let cause = &envelope.origin.cause;
        let entry = TraceEntry {
            event_id: envelope.id,
            context: envelope.source.clone(),
            kind: envelope.kind.clone(),
            at: envelope.at,
            command: envelope.command.clone(),
            cause: TraceCause { kind: cause.kind, id: cause.id, name: cause.name.clone() },
            actor: envelope.origin.actor,
            traceparent: envelope.origin.traceparent.clone(),
            position: envelope.position,
        };
        work.put(TRACE, &entry.document_id(order_id), &entry, [])
    }
}

impl Projection for Trace {
    fn views(&self) -> &'static [&'static str] {
        &[TRACE]
    }
}
