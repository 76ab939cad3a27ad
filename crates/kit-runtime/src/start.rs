//! Starts what a context does by itself: its consumers, its jobs, and its part among its replicas.

use std::sync::Arc;
use std::time::Duration;

use baedal_kit::Failure;

use crate::consumer::{self, RetryParked};
use crate::jobs::{self, JobHandler};
use crate::{Consumer, Projection, Service, replicas};

/// How long to wait before asking again a database that did not answer.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Starts hearing and doing jobs. Waits for a database that is out of reach.
///
/// # Errors
/// Where the database holds what cannot be read.
pub async fn start(
    service: &Service,
    policies: Vec<Arc<dyn Consumer>>,
    projections: &[Arc<dyn Projection>],
    mut jobs: Vec<Arc<dyn JobHandler>>,
) -> Result<(), Failure> {
    while let Err(failure) = consumer::restore_generations(service, projections).await {
        if !failure.is_transient() {
            return Err(failure);
        }
        tracing::warn!(context = service.name(), error = failure.report(), "starting waits for the database");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    let mut hearers = policies.clone();
    hearers.extend(projections.iter().map(|projection| Arc::clone(projection) as Arc<dyn Consumer>));
    jobs.push(Arc::new(RetryParked(hearers)));
    for policy in policies {
        service.lifecycle().spawn(consumer::run_policy(service.clone(), policy));
    }
    for projection in projections {
        service.lifecycle().spawn(consumer::run_projection(service.clone(), Arc::clone(projection)));
    }
    service.lifecycle().spawn(jobs::run(service.clone(), jobs));
    service.lifecycle().spawn(forget_with_epochs(service.clone()));
    service.lifecycle().spawn_to_its_end(replicas::run(service.clone()));
    Ok(())
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
