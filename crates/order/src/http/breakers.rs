//! `GET /internal/breakers`: the circuit breaker in front of payment, for the operator.

use axum::Json;
use axum::extract::State;
use baedal_kit_http::breaker::Snapshot;

use super::App;

pub(crate) async fn list_breakers(State(app): State<App>) -> Json<Vec<Snapshot>> {
    Json(app.payments.breakers())
}
