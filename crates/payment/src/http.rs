//! Payment's routes. All are internal: order asks for money, operators and tests look.

mod attempts;
mod ledger;
mod payment;
mod unsettled;

use axum::Router;
use axum::routing::{get, post};
use baedal_kit_runtime::Service;
use jiff::SignedDuration;
use utoipa_axum::router::OpenApiRouter;

pub use self::ledger::LedgerView;
pub use self::payment::PaymentView;

use crate::charging::Charging;

/// What the routes need.
#[derive(Clone)]
pub(crate) struct App {
    service: Service,
    charging: Charging,
    /// After how long an open attempt is shown to the operator.
    stuck_after: SignedDuration,
}

/// The routes over what they need, with those the provider has of its own.
pub(crate) fn routes(
    service: Service,
    charging: Charging,
    stuck_after: SignedDuration,
    of_the_provider: Router,
) -> Router {
    Router::from(table())
        .route("/internal/payments/{order_id}/attempts", post(attempts::take))
        .route("/internal/payments/{order_id}/attempts/{attempt_id}/settle", post(attempts::settle))
        .route("/internal/payments/{order_id}", get(payment::look))
        .route("/internal/ledger", get(ledger::totals))
        .route("/internal/unsettled/attempts", get(unsettled::attempts))
        .route("/internal/unsettled/differences", get(unsettled::differences))
        .with_state(App { service, charging, stuck_after })
        .merge(of_the_provider)
}

/// The table of contents. What is internal is not described, so it is empty.
pub(crate) fn table() -> OpenApiRouter<App> {
    OpenApiRouter::new()
}
