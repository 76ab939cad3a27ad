//! Payment's routes. All are internal: order asks for money, operators and tests look.

mod attempts;
mod ledger;
mod payment;

use axum::Router;
use axum::routing::{get, post};
use baedal_kit::Service;
use utoipa_axum::router::OpenApiRouter;

pub use self::ledger::LedgerView;
pub use self::payment::PaymentView;

use crate::charging::Charging;

/// What the routes need.
#[derive(Clone)]
pub(crate) struct App {
    service: Service,
    charging: Charging,
}

/// The routes over what they need, with those the provider has of its own.
pub(crate) fn routes(service: Service, charging: Charging, of_the_provider: Router) -> Router {
    Router::from(table())
        .route("/internal/payments/{order_id}/attempts", post(attempts::take))
        .route("/internal/payments/{order_id}", get(payment::look))
        .route("/internal/ledger", get(ledger::totals))
        .with_state(App { service, charging })
        .merge(of_the_provider)
}

/// The table of contents. What is internal is not described, so it is empty.
pub(crate) fn table() -> OpenApiRouter<App> {
    OpenApiRouter::new()
}
