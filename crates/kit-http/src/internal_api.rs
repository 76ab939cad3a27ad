//! The front of a process without a gateway: its contexts for its peers, and whether it is ready.
//!
//! ```text
//!   /health/live, /health/ready   anybody
//!   everything else               peers, by their secrets ─▶ what they may ask of the context they name
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use baedal_kit_runtime::Service;
use baedal_kit_runtime::lifecycle::Lifecycle;
use futures::FutureExt;
use futures::future::join_all;
use tower::ServiceExt;

use super::health::{Check, Dependency, Heard, Readiness, ReadinessProbe, in_time};
use super::operations::Health;
use super::peers::{CONTEXT, Peers};
use super::problem::{Problem, UNAVAILABLE};
use super::unread::taken_in;
use crate::upstream::not_begun;

/// What a front is made of.
pub struct InternalApi {
    /// The contexts of this process, started.
    pub contexts: Vec<(Service, Router)>,
    /// What else it depends on: the bus, its peers.
    pub checks: Vec<Check>,
    /// Its peers, and what they may ask.
    pub peers: Peers,
    /// The life of this process.
    pub lifecycle: Lifecycle,
}

impl InternalApi {
    /// All of it as one router, and what looks whether it is ready.
    pub fn open(self) -> (Router, ReadinessProbe) {
        let Self { contexts, checks, peers, lifecycle } = self;
        let (services, contexts): (Vec<_>, BTreeMap<_, _>) =
            contexts.into_iter().map(|(service, router)| (service.clone(), (service.name(), router))).unzip();
        let for_peers = Router::new().fallback(hand_over).with_state((Contexts(Arc::new(contexts)), peers.clone()));
        let dependencies = Dependencies { services: services.into(), checks: checks.into(), lifecycle };
        let readiness: ReadinessProbe = Arc::new(move || ready(dependencies.clone()).boxed());
        let asked = Arc::clone(&readiness);
        let router = Router::new()
            .route("/health/live", get(async || "ok"))
            .route("/health/ready", get(async move || asked().await.status()))
            .fallback_service(peers.guard(for_peers));
        (router, readiness)
    }
}

#[derive(Clone)]
struct Contexts(Arc<BTreeMap<&'static str, Router>>);

impl Contexts {
    /// The context that a request is for. It need not say so where there is only one.
    fn meant(&self, request: &Request) -> Result<(&'static str, &Router), Problem> {
        let named = request.headers().get(CONTEXT);
        let found = match named {
            Some(name) => name.to_str().ok().and_then(|name| self.0.get_key_value(name)),
            None => self.0.iter().next().filter(|_| self.0.len() == 1),
        };
        found.map(|(name, router)| (*name, router)).ok_or_else(|| {
            let here: Vec<_> = self.0.keys().copied().collect();
            tracing::warn!(?named, ?here, "a request is for a context that is not in this process");
            let what = format!("here is {} and not what was asked for", here.join(", "));
            Problem::new(&UNAVAILABLE, what).retry_after(Duration::from_secs(2))
        })
    }
}

async fn hand_over(State((contexts, peers)): State<(Contexts, Peers)>, mut request: Request) -> Response {
    let (name, context) = match contexts.meant(&request) {
        Ok((name, context)) => (name, context.clone()),
        Err(problem) => return not_begun(problem.into_response()),
    };
    if let Err(problem) = peers.admit(&mut request, name) {
        return not_begun(problem.into_response());
    }
    taken_in(request, async |request| match context.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    })
    .await
}

#[derive(Clone)]
struct Dependencies {
    services: Arc<[Service]>,
    checks: Arc<[Check]>,
    lifecycle: Lifecycle,
}

/// Ready is a process whose databases answer. What else is away it tells, and goes on without.
async fn ready(Dependencies { services, checks, lifecycle }: Dependencies) -> Readiness {
    let contexts = join_all(services.iter().map(|service| async {
        let found = in_time(Health::of(service)).await;
        let shards = Heard { of: service.bus().shards(), heard: service.share().borrow().shards.to_vec() };
        (service.name().to_owned(), Dependency::context(true, found).hearing(shards))
    }));
    let others = join_all(checks.iter().map(Check::found));
    let (contexts, others) = tokio::join!(contexts, others);
    Readiness::judged(lifecycle.is_draining(), contexts.into_iter().chain(others).collect())
}
