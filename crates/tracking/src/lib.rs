//! Tracking: the read models that cross contexts.
//!
//! - **Owns** nothing: no aggregates, no events, no jobs. All that is here can be thrown away and built
//!   anew from what the others told.
//! - **Hears** everything that is told about orders and stores: by order, payment, store, delivery and
//!   notification.
//! - **Tells** nothing, so it has no `publish`. It answers: how an order is, what is on a kitchen's board, which stores deliver
//!   somewhere, what is ordered most, how an order came to be what it is, and what is stuck.
//!
//! It answers without asking anybody, so a status is there while the store or the delivery service is not.
//!
//! Read `views.rs` first: one projection for each read model, each with its own cursors, so that each can
//! be rebuilt alone. The order's document is the interesting one: events of different contexts come in any
//! order relative to each other, so it has one slot for each context, and what people see is a pure
//! function of the slots (`views/orders/document.rs`).

mod http;
mod settings;
mod views;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use baedal_kit_http::Module;
use baedal_kit_http::module::Described;
use baedal_kit_runtime::{Projection, Service};

pub use settings::Settings;

/// What it says of its routes and its refusals, without being started.
#[must_use]
pub fn described() -> Described {
    Described { document: http::table().into_openapi(), problems: Vec::new() }
}

/// Tracking, ready to be started.
#[must_use]
pub fn module(service: Service, settings: Settings) -> Module {
    let projections: Vec<Arc<dyn Projection>> = vec![
        Arc::new(views::orders::Orders),
        Arc::new(views::trace::Trace),
        Arc::new(views::stores::Stores),
        Arc::new(views::ranking::Ranking),
    ];
    Module {
        routes: http::routes(http::App { service: service.clone(), settings }),
        service,
        policies: Vec::new(),
        projections,
        jobs: Vec::new(),
    }
}
