//! A context as the composition sees it: what it says of itself, its routes, what it hears, and the jobs it
//! does.

use std::sync::Arc;

use axum::Router;
use baedal_kit::Failure;
use baedal_kit_runtime::{Consumer, JobHandler, Projection, Service};
use utoipa::openapi::OpenApi;

use crate::operations;
use crate::problem::ProblemType;

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
        let Self { service, routes, policies, projections, jobs } = self;
        baedal_kit_runtime::start(&service, policies, &projections, jobs).await?;
        Ok(routes.merge(operations::routes(service, projections)))
    }
}
