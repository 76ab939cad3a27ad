//! A context as the composition sees it: its routes, what it hears, and the jobs it does.

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use crate::consumer::{self, HearAgain};
use crate::http::problem::ProblemType;
use crate::jobs::{self, JobHandler};
use crate::{Consumer, Failure, Projection, Service};

/// A context, ready to be started.
pub struct Module {
    /// What it holds in its hand.
    pub service: Service,
    /// Its public and internal routes, described.
    pub routes: OpenApiRouter,
    /// What turns other contexts' events into commands here.
    pub policies: Vec<Arc<dyn Consumer>>,
    /// What turns events into views here.
    pub projections: Vec<Arc<dyn Projection>>,
    /// What does its jobs.
    pub jobs: Vec<Arc<dyn JobHandler>>,
    /// Every refusal it may answer, documented.
    pub problems: Vec<&'static ProblemType>,
}

impl Module {
    /// Starts hearing and doing jobs, and gives back the routes, its own operations included.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn start(self) -> Result<OpenApiRouter, Failure> {
        let Self { service, routes, policies, projections, mut jobs, problems: _ } = self;
        consumer::restore_generations(&service, &projections).await?;
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
        Ok(routes.merge(crate::http::operations::routes(service, projections)))
    }
}
