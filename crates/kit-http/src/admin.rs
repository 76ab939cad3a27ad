//! What a process shows its operators and their machines, on an address of its own: readiness with all that it hangs on,
//! and metrics.
//!
//! It asks for no secret. That address is loopback, or one that only the operators' network reaches.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, header};

use super::health::{Metrics, ReadinessProbe};

/// `GET /health/live`, `GET /health/ready` with its details, `GET /metrics`.
pub fn router(readiness: ReadinessProbe, metrics: Metrics) -> Router {
    Router::new()
        .route("/health/live", get(async || "ok"))
        .route("/health/ready", get(async move || readiness().await))
        .route("/metrics", get(async move || in_text(&metrics)))
}

/// Metrics as Prometheus reads them.
fn in_text(metrics: &Metrics) -> Response {
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, text)], metrics()).into_response()
}
