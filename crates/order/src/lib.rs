//! Orders: placing, paying, changing, canceling and completing them.
//!
//! - **Owns** the order ([`domain`]) and its own copy of stores and menus, so that it takes orders while
//!   the store service is down.
//! - **Hears** payment (what became of the money), store (what the kitchen's ticket answers, and the
//!   menu) and delivery (that the customer has the food): `policy` and `views`.
//! - **Tells** `OrderPlaced`, `OrderPaid`, `OrderChangeRequested`, `OrderChangeChargeDue`, `OrderChanged`,
//!   `OrderChangeRefused`, `OrderCancelRequested`, `OrderCancelRefused`, `OrderCanceled`, `OrderRejected`
//!   `OrderCompleted` and `OrderRefundGranted`: `publish`.
//! - **Asks** payment, synchronously, to take money: [`payment_client`], behind a circuit breaker.

pub mod domain;
mod http;
mod jobs;
mod paying;
pub mod payment_client;
mod policy;
mod publish;
mod settings;
mod verifying;
mod views;

use std::sync::Arc;

use baedal_kit::module::Described;
use baedal_kit::upstream::Upstream;
use baedal_kit::{Module, Service};

pub use self::payment_client::{PaymentClient, Payments, PutOff};
pub use self::publish::publish;
pub use self::settings::Settings;
use self::verifying::Verifying;

/// What it says of its routes and its refusals, without being started.
#[must_use]
pub fn described() -> Described {
    Described { document: http::table().into_openapi(), problems: http::problems::ALL.to_vec() }
}

/// Orders, which are paid for at `payment`.
#[must_use]
pub fn module(service: Service, settings: Settings, payment: Upstream) -> Module {
    let payments = PaymentClient::new(payment, &settings, Arc::clone(service.clock()));
    module_paid_by(service, settings, Arc::new(payments))
}

/// Orders, which are paid for by `payments`.
#[must_use]
pub fn module_paid_by(service: Service, settings: Settings, payments: Arc<dyn Payments>) -> Module {
    let app = http::App { service: service.clone(), settings: Arc::new(settings.clone()), payments };
    let verifying = Verifying { payments: Arc::clone(&app.payments), settings: Arc::clone(&app.settings) };
    Module {
        service,
        routes: http::routes(app),
        policies: vec![Arc::new(policy::Policy::new(settings))],
        projections: vec![Arc::new(views::Catalog)],
        jobs: vec![Arc::new(jobs::Deadlines), Arc::new(verifying)],
    }
}
