//! `GET /health/live`, `GET /health/ready`: whether to leave this process running, and whether to send it
//! requests.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use baedal_kit::http::body::read_limited;
use baedal_kit::http::operations::Health;
use baedal_kit::upstream::Upstream;
use futures::future::join_all;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::Desk;

/// How long a context may take to say how it is.
const TIME_LIMIT: Duration = Duration::from_secs(2);

/// Whether to send requests here.
#[derive(Debug, Serialize, ToSchema)]
struct Readiness {
    /// `ready`, `not_ready` because something needed is away, or `draining` because the process is ending.
    #[schema(example = "ready")]
    status: &'static str,
    /// What it depends on.
    dependencies: BTreeMap<&'static str, Dependency>,
}

/// One thing that readiness depends on.
#[derive(Debug, Serialize, ToSchema)]
struct Dependency {
    /// Whether it works.
    ready: bool,
    /// Whether this process is not ready without it.
    needed: bool,
    /// Whether its database answers, and if not, what is wrong.
    database: String,
    /// The last position of its journal: how many events it holds.
    position: u64,
    /// How many events of other contexts each of its consumers has not heard yet.
    behind: BTreeMap<String, u64>,
}

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
/// Whether requests should be sent here, and how each dependency is.
#[utoipa::path(get, path = "/health/ready", tag = "machine", responses(
    (status = 200, description = "Ready", body = Readiness),
    (status = 503, description = "Something needed is away, or the process is ending", body = Readiness),
))]
pub(super) async fn ready(State(desk): State<Desk>) -> Response {
    let needed = &desk.needed;
    let asked = desk.contexts.iter().map(|(context, upstream)| async move {
        let health = ask(upstream).await;
        let needed = needed.iter().any(|needed| needed == context);
        let dependency = match health {
            Ok((ready, Health { database, position, behind, .. })) => {
                Dependency { ready, needed, database, position, behind }
            }
            Err(why) => Dependency { ready: false, needed, database: why, position: 0, behind: BTreeMap::new() },
        };
        (*context, dependency)
    });
    let dependencies: BTreeMap<_, _> = join_all(asked).await.into_iter().collect();
    let is_whole = dependencies.values().all(|dependency| dependency.ready || !dependency.needed);
    let status = match (desk.lifecycle.is_draining(), is_whole) {
        (true, _) => "draining",
        (false, true) => "ready",
        (false, false) => "not_ready",
    };
    let code = if status == "ready" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(Readiness { status, dependencies })).into_response()
}

async fn ask(context: &Upstream) -> Result<(bool, Health), String> {
    let request = Request::get("/internal/health").body(Body::empty()).map_err(|error| error.to_string())?;
    let response = tokio::time::timeout(TIME_LIMIT, context.send(request)).await;
    let response = response.map_err(|_| "no answer came in time".to_owned())?;
    let ready = response.status() == StatusCode::OK;
    let bytes = read_limited(response.into_body()).await.map_err(|_| "the answer did not arrive".to_owned())?;
    let health = serde_json::from_slice(&bytes).map_err(|_| "the answer cannot be read".to_owned())?;
    Ok((ready, health))
}
