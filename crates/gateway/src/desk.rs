//! What the gateway answers itself, as if it were one more context.

mod health;
mod operations;
mod pages;
mod problems;
mod stuck;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::routing::get;
use baedal_kit_http::ProblemType;
use baedal_kit_http::caps::Cap;
use baedal_kit_http::health::{Check, ReadinessProbe};
use baedal_kit_http::upstream::Upstream;
use baedal_kit_runtime::lifecycle::Lifecycle;
use futures::FutureExt;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::authentication::keys::Keys;
use crate::settings::Settings;

/// What the gateway's own routes hold in their hands. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Desk {
    contexts: Arc<BTreeMap<&'static str, Upstream>>,
    needed: Arc<[String]>,
    keys: Arc<Keys>,
    document: Arc<str>,
    problems: Arc<BTreeMap<&'static str, &'static ProblemType>>,
    lifecycle: Lifecycle,
    caps: Arc<[Cap]>,
    checks: Arc<[Check]>,
}

impl Desk {
    pub(crate) fn new(
        contexts: HashMap<&'static str, Upstream>,
        keys: Arc<Keys>,
        document: &Value,
        problems: Vec<&'static ProblemType>,
        settings: &Settings,
        lifecycle: Lifecycle,
    ) -> Self {
        let everywhere = baedal_kit_http::problem::ALL.iter().chain(crate::problems::ALL).copied();
        let problems = everywhere.chain(problems).map(|problem| (problem.name, problem)).collect();
        Self {
            contexts: Arc::new(contexts.into_iter().collect()),
            needed: settings.needed.clone().into(),
            keys,
            document: document.to_string().into(),
            problems: Arc::new(problems),
            lifecycle,
            caps: Arc::default(),
            checks: Arc::default(),
        }
    }

    /// With what may bind, and what else is away or not, for readiness.
    pub(crate) fn watching(self, caps: Vec<Cap>, checks: Vec<Check>) -> Self {
        Self { caps: caps.into(), checks: checks.into(), ..self }
    }

    /// What looks whether it is ready.
    pub(crate) fn readiness(&self) -> ReadinessProbe {
        let desk = self.clone();
        Arc::new(move || {
            let desk = desk.clone();
            async move { health::readiness(&desk).await }.boxed()
        })
    }
}

/// The table of contents.
pub(crate) fn routes(desk: Desk) -> OpenApiRouter {
    described().with_state(desk)
}

/// The same, before it has anything in its hands; enough to describe it.
pub(crate) fn described() -> OpenApiRouter<Desk> {
    OpenApiRouter::new()
        // Tracking, whose answer it extends, describes it.
        .route("/api/operations/stuck", get(stuck::stuck))
        .routes(routes!(operations::breakers))
        .routes(routes!(operations::dead_letters))
        .routes(routes!(operations::redrive))
        .routes(routes!(operations::rebuild))
        .routes(routes!(pages::front))
        .routes(routes!(pages::docs))
        .routes(routes!(pages::openapi))
        .routes(routes!(problems::all))
        .routes(routes!(problems::one))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
}
