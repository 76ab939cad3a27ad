//! Delivery: who brings the food, and how far it is.
//!
//! It **owns** two things: a `Delivery` for each order that a kitchen has finished, with a history of its own; and
//! what is known of each `Rider`, as a document without history: whether on duty, where, and carrying what.
//!
//! It **hears** store's `CookFinished`, which lets a delivery wait for a rider, and order's `OrderCanceled` and
//! `OrderRejected`, which withdraw it, be it before it was asked for.
//!
//! It **tells** `DeliveryRequested`, `DeliveryClaimed`, `ClaimReleased`, `PickupOverdue`, `PickedUp`, `Delivered`,
//! `DeliveryEscalated` and `DeliveryCanceled`.
//!
//! ```text
//!   CookFinished ──▶ waiting ── claim ──▶ claimed ── pickup ──▶ picked_up ── deliver ──▶ delivered
//!                     │   ▲                 │                       │
//!     radius doubles ─┤   └── release, ─────┤                       │
//!     escalated ──────┘       taken back    ├─ pick-up overdue      │
//!                                           └── order ended ────────┴──▶ canceled
//! ```
//!
//! A rider's document changes in the same commit as the delivery he claims, so he never carries more than he can,
//! whatever races; and what is found by place is found by H3 cells.

mod cells;
mod changes;
mod commands;
mod domain;
mod http;
mod jobs;
mod policy;
mod presence;
mod publish;
mod settings;
mod views;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use baedal_kit_http::Module;
use baedal_kit_http::module::Described;
use baedal_kit_runtime::Service;

pub use publish::publish;
pub use settings::Settings;

/// What it says of its routes and its refusals, without being started.
#[must_use]
pub fn described() -> Described {
    Described { document: http::table().into_openapi(), problems: http::problems::ALL.to_vec() }
}

/// The context over `service`, with these settings.
#[must_use]
pub fn module(service: Service, settings: Settings) -> Module {
    let settings = Arc::new(settings);
    Module {
        routes: http::routes(http::App {
            service: service.clone(),
            settings: Arc::clone(&settings),
            presence: presence::Presence::new(service.clone(), Arc::clone(&settings)),
        }),
        policies: vec![Arc::new(policy::Policy { settings: Arc::clone(&settings) })],
        projections: Vec::new(),
        jobs: vec![Arc::new(jobs::Deadlines { settings })],
        service,
    }
}
