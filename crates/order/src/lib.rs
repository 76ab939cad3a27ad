//! Orders: placing, paying, changing, canceling and completing them.
//!
//! - **Owns** the order ([`domain`]) and its own copy of stores and menus, so that it takes orders while
//!   the store service is down.
//! - **Hears** payment (what became of the money), store (what the kitchen's ticket answers, and the
//!   menu) and delivery (who has the food): `policy` and `views`.
//! - **Tells** `OrderPlaced`, `PaymentWindowExtended`, `OrderPaid`, `OrderChangeRequested`,
//!   `OrderChangeChargeDue`, `OrderChanged`, `OrderChangeRefused`, `OrderCancelRequested`,
//!   `OrderCancelRefused`, `OrderOverdue`, `OrderCanceled`, `OrderRejected`, `OrderCompleted` and
//!   `OrderRefundGranted`: `publish`.
//! - **Asks** payment, synchronously, to take money: [`payment_client`], behind a circuit breaker.

mod commands;
pub mod domain;
mod http;
mod jobs;
mod limits;
mod paying;
pub mod payment_client;
mod policy;
mod publish;
mod settings;
mod verifying;
mod views;

use std::sync::Arc;
use std::time::Duration;

use baedal_kit_http::Module;
use baedal_kit_http::module::Described;
use baedal_kit_http::upstream::Upstream;
use baedal_kit_runtime::Service;

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

/// How often it is looked whether payment can be asked.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Orders, which are paid for by `payments`. To be called inside the runtime.
#[must_use]
pub fn module_paid_by(service: Service, settings: Settings, payments: Arc<dyn Payments>) -> Module {
    service.lifecycle().spawn(watch(Arc::clone(&payments)));
    let deadlines = jobs::Deadlines { settings: settings.clone(), payments: Arc::clone(&payments) };
    let app = http::App { service: service.clone(), settings: Arc::new(settings.clone()), payments };
    let verifying = Verifying { payments: Arc::clone(&app.payments), settings: Arc::clone(&app.settings) };
    Module {
        service,
        routes: http::routes(app),
        policies: vec![Arc::new(policy::Policy::new(settings))],
        projections: vec![Arc::new(views::Catalog)],
        jobs: vec![Arc::new(deadlines), Arc::new(verifying)],
    }
}

/// Looks again and again whether payment can be asked, so that it is known since when.
async fn watch(payments: Arc<dyn Payments>) {
    loop {
        payments.look();
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
