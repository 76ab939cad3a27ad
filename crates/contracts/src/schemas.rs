//! The public events as JSON schemas, for those who describe what goes between the contexts.

use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::{delivery, identity, notification, order, payment, source, store};

/// What one context tells.
pub struct PublicEvents {
    /// Which context.
    pub source: &'static str,
    /// One of its events: an object with one property, the event's name.
    pub event: RefOr<Schema>,
    /// The types that its events are made of, by the names they are referred to.
    pub types: Vec<(String, RefOr<Schema>)>,
}

/// What every context tells.
#[must_use]
pub fn public_events() -> Vec<PublicEvents> {
    vec![
        of::<identity::Event>(source::IDENTITY),
        of::<order::Event>(source::ORDER),
        of::<payment::Event>(source::PAYMENT),
        of::<store::Event>(source::STORE),
        of::<delivery::Event>(source::DELIVERY),
        of::<notification::Event>(source::NOTIFICATION),
    ]
}

fn of<Event: ToSchema + PartialSchema>(source: &'static str) -> PublicEvents {
    let mut types = Vec::new();
    Event::schemas(&mut types);
    PublicEvents { source, event: Event::schema(), types }
}
