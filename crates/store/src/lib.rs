//! Stores and their kitchens.
//!
//! - **Owns** the `Store` (what it sells, whether it is open, how it thanks), its `Stock` (how many of each
//!   counted item are left) and the `Ticket` (an order as its kitchen has it).
//! - **Hears** order: a paid order opens a ticket and takes the stock; a wish to change or cancel is
//!   decided by the ticket, because the kitchen knows whether cooking has begun.
//! - **Tells** [`baedal_contracts::store::Event`].
//!
//! Stock and ticket are decided in one unit of work (`kitchen.rs`), so they always agree. There are no
//! views here: stores, menus and boards are shown by tracking, from what is told, so that customers can
//! look around while this service is down.

mod commands;
mod domain;
mod http;
mod jobs;
mod kitchen;
mod policy;
mod publish;
mod settings;
#[cfg(test)]
mod testing;

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

/// The context, over these ports.
#[must_use]
pub fn module(service: Service, settings: Settings) -> Module {
    Module {
        routes: http::routes(service.clone()),
        service,
        policies: vec![Arc::new(policy::KitchenPolicy::new(settings))],
        projections: Vec::new(),
        jobs: vec![Arc::new(jobs::Deadlines { settings })],
    }
}
