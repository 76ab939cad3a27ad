//! What the operator asks of every context: its health, its dead letters, its views built anew.
//!
//! Internal routes; the gateway asks all the contexts and answers the operator with one answer.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use baedal_kit::database::{BehindLetter, Commit, DeadLetter, JobChange, Outcome};
use baedal_kit_runtime::consumer::Divergence;
use baedal_kit_runtime::{Projection, Service, consumer};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::health::{Heard, in_time};
use super::{Path, Problem, Query};

/// How many dead letters a context shows unless asked for more or fewer.
const SHOWN: usize = 100;
/// The most that it shows: a page of the gateway's, and one more that says whether there is another page.
const MOST_SHOWN: usize = 101;

/// Where a replica tells its peers whether to send it requests.
pub(crate) const REPLICA: &str = "/internal/replica";

#[derive(Clone)]
struct Operations {
    service: Service,
    projections: Arc<[Arc<dyn Projection>]>,
}

/// The routes of a context's operations.
pub(crate) fn routes(service: Service, projections: Vec<Arc<dyn Projection>>) -> axum::Router {
    let operations = Operations { service, projections: projections.into() };
    axum::Router::new()
        .route("/internal/health", axum::routing::get(health))
        .route("/internal/serving", axum::routing::get(serving))
        .route(REPLICA, axum::routing::get(replica))
        .route("/internal/dead-letters", axum::routing::get(dead_letters))
        .route("/internal/dead-letters/{kind}/{key}/redrive", axum::routing::post(redrive))
        .route("/internal/views/{name}/rebuild", axum::routing::post(rebuild))
        .with_state(operations)
}

/// How a context is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Health {
    /// The context.
    pub context: String,
    /// Whether its database answers, and if not, what is wrong.
    pub database: String,
    /// The last position of its journal.
    #[serde(default)]
    pub position: u64,
    /// How many events of other contexts each of its consumers has not heard yet.
    pub behind: std::collections::BTreeMap<String, u64>,
    /// Its consumers that have heard of a source what is no more, since that was restored to an earlier state. They
    /// hear nothing of it until somebody has said from where on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diverged: Vec<Divergence>,
}

impl Health {
    /// What is said of a database that answers.
    pub const WELL: &str = "ok";

    /// How a context is now.
    pub async fn of(service: &Service) -> Self {
        let database = service.database().ping().await;
        let behind = service.all_progress().into_iter().map(|(consumer, reached)| {
            let behind =
                reached.iter().map(|(source, at)| service.bus().head(source).borrow().saturating_sub(*at)).sum();
            (consumer, behind)
        });
        Self {
            context: service.name().to_owned(),
            database: database.map_or_else(|failure| failure.report(), |()| Self::WELL.to_owned()),
            position: *service.database().head().borrow(),
            behind: behind.collect(),
            diverged: service.diverged(),
        }
    }

    /// What keeps it from being ready, if anything does.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        if self.database != Self::WELL {
            return Some(self.database.clone());
        }
        let stories: Vec<_> = self.diverged.iter().map(|divergence| divergence.report(&self.context)).collect();
        (!stories.is_empty()).then(|| stories.join(" "))
    }
}

async fn health(State(Operations { service, .. }): State<Operations>) -> Response {
    let health = Health::of(&service).await;
    let status = if health.wrong().is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health)).into_response()
}

/// What a replica tells its peers of itself: with 200, where requests should be sent to it, and else with 503.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Replica {
    /// The shards of the others' journals that it hears.
    pub(crate) shards: Heard,
}

async fn replica(State(Operations { service, .. }): State<Operations>) -> (StatusCode, Json<Replica>) {
    let is_well = !service.lifecycle().is_draining()
        && in_time(Health::of(&service)).await.is_ok_and(|health| health.wrong().is_none());
    let heard = service.share().borrow().shards.to_vec();
    let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Replica { shards: Heard { of: service.bus().shards(), heard } }))
}

/// For how long, without a break, a context has been there to be asked. A duration, since two machines' clocks differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Serving {
    /// In milliseconds; nothing below zero where its clock was set back.
    pub for_ms: u64,
}

async fn serving(State(Operations { service, .. }): State<Operations>) -> Result<Json<Serving>, Problem> {
    let since = service.serving_since().await?;
    let here = service.clock().now().duration_since(since);
    Ok(Json(Serving { for_ms: u64::try_from(here.as_millis()).unwrap_or_default() }))
}

/// A message that could not be processed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterView {
    /// What names it, for a redrive.
    pub id: String,
    /// The context that could not process it.
    pub context: String,
    /// What was to be done.
    pub kind: String,
    /// The order it belongs to.
    pub order_id: Option<Uuid>,
    /// How often it was tried.
    pub attempts: u32,
    /// What went wrong the last time.
    pub error: String,
    /// When it was tried last.
    pub failed_at: Timestamp,
    /// What it says.
    pub payload: serde_json::Value,
}

impl DeadLetterView {
    fn of(context: &str, letter: DeadLetter) -> Self {
        let DeadLetter { job, error } = letter;
        Self {
            id: format!("{context}~{}~{}", job.kind, job.key),
            context: context.to_owned(),
            kind: job.kind,
            order_id: job.correlation,
            attempts: job.attempt,
            error,
            failed_at: job.run_at,
            payload: job.payload,
        }
    }
}

/// Which of a context's dead letters: the latest, or those behind where a page ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LettersQuery {
    /// How many, at the most; 100 unless said.
    pub limit: Option<usize>,
    /// Behind those that were tried last at this instant.
    pub failed_at: Option<Timestamp>,
    /// And of those, behind this kind,
    pub kind: Option<String>,
    /// and this key.
    pub key: Option<String>,
}

async fn dead_letters(
    State(Operations { service, .. }): State<Operations>,
    Query(asked): Query<LettersQuery>,
) -> Result<Json<Vec<DeadLetterView>>, Problem> {
    let LettersQuery { limit, failed_at, kind, key } = asked;
    let after = failed_at.map(|failed_at| BehindLetter { failed_at, letter: kind.zip(key) });
    let letters = service.database().dead_letters(after, limit.unwrap_or(SHOWN).min(MOST_SHOWN)).await?;
    Ok(Json(letters.into_iter().map(|letter| DeadLetterView::of(service.name(), letter)).collect()))
}

async fn redrive(
    State(Operations { service, .. }): State<Operations>,
    Path((kind, key)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let change = JobChange::Redrive { kind, key, run_at: service.clock().now() };
    match service.database().commit(Commit { jobs: vec![change], ..Commit::default() }).await? {
        Outcome::Committed { .. } => Ok(StatusCode::ACCEPTED),
        Outcome::Conflict => Err(Problem::not_found("dead letter")),
    }
}

async fn rebuild(State(operations): State<Operations>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    if consumer::request_rebuild(&operations.service, &operations.projections, &name).await? {
        Ok(StatusCode::ACCEPTED)
    } else {
        Err(Problem::not_found("view"))
    }
}
