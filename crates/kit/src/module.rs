//! A context as the composition sees it: what it says of itself, its routes, what it hears, and the jobs it
//! does.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use utoipa::openapi::OpenApi;

use crate::consumer::{self, HearAgain};
use crate::http::problem::ProblemType;
use crate::jobs::{self, JobHandler};
use crate::{Consumer, Failure, Projection, Service};

/// How long to wait before asking again a database that did not answer.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What a context says of itself without being started, for those who speak to it from elsewhere.
pub struct Described {
    /// Its public routes.
    pub document: OpenApi,
    /// Every refusal of its own that it may answer, documented.
    pub problems: Vec<&'static ProblemType>,
}

/// A context, ready to be started.
pub struct Module {
    /// What it holds in its hand.
    pub service: Service,
    /// Its public and internal routes.
    pub routes: Router,
    /// What turns other contexts' events into commands here.
    pub policies: Vec<Arc<dyn Consumer>>,
    /// What turns events into views here.
    pub projections: Vec<Arc<dyn Projection>>,
    /// What does its jobs.
    pub jobs: Vec<Arc<dyn JobHandler>>,
}

impl Module {
    /// Starts hearing and doing jobs, and gives back the routes, its own operations included.
    ///
    /// Waits for a database that is out of reach.
    ///
    /// # Errors
    /// Where the database holds what cannot be read.
    pub async fn start(self) -> Result<Router, Failure> {
        let Self { service, routes, policies, projections, mut jobs } = self;
        while let Err(failure) = consumer::restore_generations(&service, &projections).await {
            if !failure.is_passing() {
                return Err(failure);
            }
            tracing::warn!(context = service.name(), error = failure.story(), "starting waits for the database");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        let mut hearers = policies.clone();
        hearers.extend(projections.iter().map(|projection| Arc::clone(projection) as Arc<dyn Consumer>));
        jobs.push(Arc::new(HearAgain(hearers)));
        for policy in policies {
            service.lifecycle().spawn(consumer::run_policy(service.clone(), policy));
        }
        for projection in &projections {
            service.lifecycle().spawn(consumer::run_projection(service.clone(), Arc::clone(projection)));
        }
        service.lifecycle().spawn(jobs::run(service.clone(), jobs));
        service.lifecycle().spawn(forget_with_epochs(service.clone()));
        service.lifecycle().spawn_to_its_end(crate::replicas::run(service.clone()));
        Ok(routes.merge(crate::http::operations::routes(service, projections)))
    }
}

/// Forgets what is remembered of the database whenever it may be another one: an aggregate may have been further than
/// it is now, and no version would tell.
async fn forget_with_epochs(service: Service) {
    let mut epochs = service.database().epochs();
    while epochs.changed().await.is_ok() {
        tracing::warn!(
            context = service.name(),
            "the database may be another than before; nothing of it is remembered"
        );
        service.states().forget_all();
    }
}
