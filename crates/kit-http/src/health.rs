//! Readiness: whether requests should be sent to a process, and how each thing is that it depends on.
//!
//! Everybody may ask for the status; the rest names contexts and what is wrong with them, and is shown on the address
//! for operators alone: [`crate::admin`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use baedal_kit_runtime::consumer::Divergence;
use futures::future::BoxFuture;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operations::Health;

/// How long one thing may take to say how it is.
const TIME_LIMIT: Duration = Duration::from_secs(1);

/// Whether to send requests here, and why not: for operators. Everybody else sees its [`Status`].
#[derive(Debug, Serialize)]
pub struct Readiness {
    #[serde(flatten)]
    status: Status,
    /// What it depends on.
    dependencies: BTreeMap<String, Dependency>,
}

/// Whether to send requests here.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Status {
    /// `ready`, `not_ready` because something needed is away, or `draining` because the process is ending.
    #[schema(example = "ready")]
    status: &'static str,
}

/// Looks at what a process depends on.
pub type ReadinessProbe = Arc<dyn Fn() -> BoxFuture<'static, Readiness> + Send + Sync>;

/// One thing that a process depends on.
#[derive(Debug, Serialize)]
pub struct Dependency {
    /// Whether it works.
    ready: bool,
    /// Whether this process is not ready without it.
    needed: bool,
    /// What is wrong with it besides its database, or why it does not even say how it is; and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong: Option<String>,
    /// Of a context: whether its database answers, and if not, what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    /// Of a context: the last position of its journal.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    /// Of a context: how many events of other contexts each of its consumers has not heard yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    behind: Option<BTreeMap<String, u64>>,
    /// Of a context: its consumers that have heard of a source what is no more, since that was restored to an earlier
    /// state, and what to do about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diverged: Vec<Divergence>,
    /// Of a context: the shards of the others' journals that this replica of it hears.
    #[serde(skip_serializing_if = "Option::is_none")]
    shards: Option<Heard>,
}

/// Some of so many shards.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Heard {
    /// How many there are.
    #[schema(example = 8)]
    pub of: u16,
    /// Which ones.
    pub heard: Vec<u16>,
}

impl Dependency {
    /// A context, as it said it is, or why it said nothing.
    #[must_use]
    pub fn context(needed: bool, found: Result<Health, String>) -> Self {
        match found {
            Ok(health) => {
                let wrong = health.wrong();
                let Health { database, position, behind, diverged, .. } = health;
                Self {
                    ready: wrong.is_none(),
                    needed,
                    wrong: wrong.filter(|_| database == Health::WELL),
                    database: Some(database),
                    position: Some(position),
                    behind: Some(behind),
                    diverged,
                    shards: None,
                }
            }
            Err(wrong) => Self::other(needed, Err(wrong)),
        }
    }

    /// With the shards that this replica of it hears.
    #[must_use]
    pub(super) fn hearing(self, shards: Heard) -> Self {
        Self { shards: Some(shards), ..self }
    }

    /// Anything else: that it works, or what is wrong.
    #[must_use]
    pub fn other(needed: bool, found: Result<(), String>) -> Self {
        let ready = found.is_ok();
        let (wrong, diverged) = (found.err(), Vec::new());
        Self { ready, needed, wrong, database: None, position: None, behind: None, diverged, shards: None }
    }
}

impl Readiness {
    /// Ready is who is not ending and has all that is needed.
    #[must_use]
    pub fn judged(is_draining: bool, dependencies: BTreeMap<String, Dependency>) -> Self {
        let is_whole = dependencies.values().all(|dependency| dependency.ready || !dependency.needed);
        let status = match (is_draining, is_whole) {
            (true, _) => "draining",
            (false, true) => "ready",
            (false, false) => "not_ready",
        };
        Self { status: Status { status }, dependencies }
    }

    /// What everybody may know of it.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }
}

impl Status {
    fn code(self) -> StatusCode {
        if self.status == "ready" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
    }
}

impl IntoResponse for Status {
    fn into_response(self) -> Response {
        (self.code(), Json(self)).into_response()
    }
}

impl IntoResponse for Readiness {
    fn into_response(self) -> Response {
        (self.status.code(), Json(self)).into_response()
    }
}

/// Something besides its contexts' databases that a process depends on.
#[derive(Clone)]
pub struct Check {
    /// What it is called.
    pub name: String,
    /// Whether the process is not ready without it.
    pub needed: bool,
    /// Says that it works, or what is wrong.
    pub look: Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>,
}

impl Check {
    /// How it is now.
    pub async fn found(&self) -> (String, Dependency) {
        let found = in_time((self.look)()).await.unwrap_or_else(Err);
        (self.name.clone(), Dependency::other(self.needed, found))
    }
}

/// What something says within the time that it has for that.
///
/// # Errors
/// That it did not.
pub async fn in_time<T>(looking: impl Future<Output = T>) -> Result<T, String> {
    tokio::time::timeout(TIME_LIMIT, looking).await.map_err(|_| format!("it says nothing within {TIME_LIMIT:?}"))
}

/// Tells the metrics of this process, as Prometheus reads them.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;
