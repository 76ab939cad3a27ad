//! Payment: takes money for orders, gives it back, and keeps the book about it.
//!
//! Owns [`domain`]'s `Payment`, one per order, and the [`ledger`], whose entries are written in the same
//! commit as the events that cause them. The provider, which moves the money, is a port.
//!
//! - **Asked** by order, for an answer: `POST /internal/payments/{order_id}/attempts`.
//! - **Hears** order: `OrderChangeChargeDue` (take the extra), and what the customer owes from
//!   `OrderChanged`, `OrderChangeRefused`, `OrderRefundGranted`, `OrderCanceled`, `OrderRejected` and
//!   `OrderCompleted`, of which the last three end it.
//! - **Tells** `PaymentApproved`, `PaymentDeclined`, `PaymentAdjusted`, `PaymentAdjustmentDeclined`,
//!   `PaymentRefundDue`, `PaymentRefunded`.
//!
//! What is not settled is kept for the operator (`unsettled`): attempts open on orders that have ended, or for
//! long; and every difference between our book and the provider's, which are compared again and again.
//!
//! Two rules make it right whatever crashes:
//!
//! 1. **An attempt is committed before the provider is called**, with the job that looks it up if the
//!    answer is lost. While its outcome is unknown, no other attempt begins.
//! 2. **What was taken beyond what is owed goes back.** Order says what is owed; every refund there is
//!    follows from that one comparison, also when the approval comes after the cancel. What order says is
//!    ordered by the order's own version, which every word carries: never by ids or times, whose clocks differ.

mod charging;
mod commands;
mod deciding;
pub mod domain;
mod http;
mod jobs;
pub mod ledger;
mod policy;
pub mod provider;
mod publish;
mod settings;
mod simulated_provider;
mod unsettled;

use std::sync::Arc;
use std::time::Duration;

use baedal_kit_http::Module;
use baedal_kit_http::module::Described;
use baedal_kit_runtime::Service;

pub use self::http::{LedgerView, PaymentView};
pub use self::provider::Provider;
pub use self::publish::publish;
pub use self::settings::Settings;
pub use self::simulated_provider::{BookView, SimulatedProvider};

use self::charging::Charging;
use self::provider::Calls;

/// How long to wait before asking again a database that did not answer.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What it says of its routes and its refusals, without being started.
#[must_use]
pub fn described() -> Described {
    Described { document: http::table().into_openapi(), problems: Vec::new() }
}

/// Begins to compare our book with the provider's, as soon as the database answers.
async fn reconciling(service: Service, settings: Settings) {
    while let Err(failure) = jobs::begin_to_reconcile(&service, &settings).await {
        tracing::warn!(error = failure.report(), "comparing our book with the provider's waits for the database");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// The context, over the provider that moves the money.
#[must_use]
pub fn module(service: Service, settings: Settings, provider: Arc<dyn Provider>) -> Module {
    let of_the_provider = provider.routes();
    let calls = Calls::new(provider, Arc::clone(service.clock()), &settings);
    let charging = Charging::new(service.clone(), calls.clone(), settings.clone());
    service.lifecycle().spawn(reconciling(service.clone(), settings.clone()));
    Module {
        routes: http::routes(service.clone(), charging.clone(), settings.attempt_stuck_after, of_the_provider),
        policies: vec![Arc::new(policy::Policy::new(settings.clone()))],
        projections: Vec::new(),
        jobs: vec![Arc::new(jobs::Jobs::new(charging, calls, settings))],
        service,
    }
}
