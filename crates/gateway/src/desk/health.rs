//! `GET /health/live`, `GET /health/ready`: whether to leave this process running, and whether to send it
//! requests.

use axum::body::Body;
use axum::extract::{Request, State};
use baedal_contracts::source::IDENTITY;
use baedal_kit_http::body::read_limited;
use baedal_kit_http::caps;
use baedal_kit_http::health::{Check, Dependency, Readiness, Status, in_time};
use baedal_kit_http::operations::Health;
use baedal_kit_http::upstream::Upstream;
use futures::future::join_all;

use super::Desk;

/// Liveness
///
/// Answers for as long as the process should be left running.
#[utoipa::path(get, path = "/health/live", tag = "machine", responses(
    (status = 200, description = "It lives", body = String, content_type = "text/plain"),
))]
pub(super) async fn live() -> &'static str {
    "ok"
}

/// Readiness
///
/// Whether requests should be sent here. Why not is told on the address for operators.
#[utoipa::path(get, path = "/health/ready", tag = "machine", responses(
    (status = 200, description = "Ready", body = Status),
    (status = 503, description = "Something needed is away, or the process is ending", body = Status),
))]
pub(super) async fn ready(State(desk): State<Desk>) -> Status {
    readiness(&desk).await.status()
}

/// The same, with how each dependency is.
pub(super) async fn readiness(desk: &Desk) -> Readiness {
    let asked = desk.contexts.iter().map(|(context, upstream)| async move {
        // Who is signed in needs identity only for its keys; nobody is served worse for the others not being sent here.
        let needed =
            desk.needed.iter().any(|needed| needed == context) && !(*context == IDENTITY && desk.keys.are_here());
        let found = in_time(ask(upstream)).await.unwrap_or_else(Err);
        ((*context).to_owned(), Dependency::context(needed, found))
    });
    let (contexts, others) = tokio::join!(join_all(asked), join_all(desk.checks.iter().map(Check::found)));
    let dependencies = contexts.into_iter().chain(others).chain(caps::told(&desk.caps)).collect();
    Readiness::judged(desk.lifecycle.is_draining(), dependencies)
}

async fn ask(context: &Upstream) -> Result<Health, String> {
    let request = Request::get("/internal/health").body(Body::empty()).map_err(|error| error.to_string())?;
    let response = context.send(request).await;
    let status = response.status();
    let bytes = read_limited(response.into_body()).await.map_err(|_| "the answer did not arrive".to_owned())?;
    serde_json::from_slice(&bytes).map_err(|_| format!("it answers {status}"))
}
